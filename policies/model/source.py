"""Where a table's bytes lie and how they are read; one class a format, told apart by `format:`."""

import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import ColumnName, PolicyModel


class Encoding(StrEnum):
    """The encodings that Japanese hospitals export; nothing is guessed."""

    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-bom"
    CP932 = "cp932"
    SHIFT_JIS = "shift_jis"
    EUC_JP = "euc-jp"


class DelimitedSource(PolicyModel):
    """Delimited text; `.gz` is unpacked by its name, a zip member is named by `member`.

    Either `path` names one file, relative to the landing folder, in which a wildcard has no meaning; or `paths` are globs
    whose files are read in the order of their names, each with a header of its own. `columns_from_path` gives columns
    that stand in the name of the file and not in its rows, such as the year of a yearly export: a regular expression
    with one group, searched in the file's name. `header: false` takes the column names in policy order.
    `null_values` are read as null; the empty string always is.
    """

    format: Literal["delimited"]
    path: str | None = None
    paths: tuple[str, ...] = ()
    member: str | None = None
    columns_from_path: dict[ColumnName, str] = Field(default_factory=dict)
    encoding: Encoding
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    header: bool = True
    null_values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way_to_name_files(self) -> Self:
        if (self.path is None) == (not self.paths):
            msg = "write either `path` (one file) or `paths` (several)"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _one_group_each(self) -> Self:
        for pattern in self.columns_from_path.values():
            try:
                groups = re.compile(pattern).groups
            except re.error:
                groups = 0
            if groups != 1:
                msg = "each pattern of `columns_from_path` is a regular expression with exactly one group, such as `_([0-9]{4})_`"
                raise ValueError(msg)
        return self


class FhirLayout(StrEnum):
    """How FHIR resources are packed in files."""

    BUNDLE = "bundle"
    NDJSON = "ndjson"


class FhirSource(PolicyModel):
    """FHIR R4 resources of one type → one flat table.

    `paths` are globs below the landing folder. `mapping` gives each column a path into the resource: keys joined by
    dots, `[n]` for one element, `[key=value]` for the first element whose key (itself a dotted path) has that value;
    `reference()` after a Reference strips it to the bare id. Example: `identifier[type.coding[0].code=MR].value`.
    """

    format: Literal["fhir"]
    layout: FhirLayout
    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    resource: str
    mapping: dict[ColumnName, str]


class OmopSource(PolicyModel):
    """One table of an OMOP CDM 5.4 export: a folder or a zip of CSV files, header names in any case."""

    format: Literal["omop"]
    path: str
    table: str
    version: Literal["5.4"] = "5.4"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","


class VcfSource(PolicyModel):
    """Variant calls of VCF or BCF files that hold the same samples (sites are appended in order)."""

    format: Literal["vcf"]
    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    assembly: Literal["GRCh37", "GRCh38"]


Source = Annotated[DelimitedSource | FhirSource | OmopSource | VcfSource, Field(discriminator="format")]
