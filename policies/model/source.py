"""Where a table's bytes lie and how they are read; one class a format, told apart by `format:`."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from policies.model.strictness import ColumnName, PolicyModel


class Encoding(StrEnum):
    """The encodings that Japanese hospitals export; nothing is guessed."""

    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-bom"
    CP932 = "cp932"
    SHIFT_JIS = "shift_jis"
    EUC_JP = "euc-jp"


class DelimitedSource(PolicyModel):
    """A delimited text file; `.gz` is unpacked by its name, a zip member is named by `member`.

    `path` is relative to the landing folder. `header: false` takes the column names in policy order.
    `null_values` are read as null; the empty string always is.
    """

    format: Literal["delimited"]
    path: str
    member: str | None = None
    encoding: Encoding
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    header: bool = True
    null_values: tuple[str, ...] = ()


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
