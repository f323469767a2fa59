"""What an attacker may know of somebody's events, and what must hold against that; part of the microdata method.

Codes (diagnoses, drugs, procedures) are a set a record; dates are a trajectory; people of one household are one unit.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import ColumnName, Name, PolicyModel, Ratio


class EventColumn(PolicyModel):
    """An output column of a detail table (or of the record table) whose last treatment is `generalize … level: search`."""

    table: Name
    column: ColumnName


class _Codes(PolicyModel):
    """What the models of codes have in common.

    `name` is what evidence calls the model. `codes` are one or more columns; the attacker may know codes of all of them together. `knows: codes` is an attacker who knows codes
    of somebody and nothing else; `class_and_codes` one who knows the quasi-identifiers, too, so that each class is protected by itself.
    `suppress: codes` takes a code from everybody, `entries` from those it points to. `suppression_limit` is the share of the
    entries (one a record and code) that may go. With `repeated_codes: drop` a record shows a label once, whatever number of its codes became it.
    """

    name: Name
    codes: Annotated[tuple[EventColumn, ...], Field(min_length=1)]
    k: Annotated[int, Field(ge=2)] | None = None
    knows: Literal["codes", "class_and_codes"] = "codes"
    start_level: Annotated[int, Field(ge=0)] = 0
    suppress: Literal["codes", "entries"] = "codes"
    suppression_limit: Ratio
    repeated_codes: Literal["drop", "keep"] = "drop"


class KmAnonymity(_Codes):
    """Every combination of up to `m` codes that a record shows is shown by records of at least `k` people (kᵐ-anonymity).

    `k` is the method's if none is written.

    Source: Terrovitis, Mamoulis & Kalnis, Privacy-preserving anonymization of set-valued data, PVLDB 1(1), 2008.
    """

    model: Literal["km"]
    m: Annotated[int, Field(ge=1, le=4)]


class LkcPrivacy(_Codes):
    """As `km` with `l` codes, and of the records with a combination at most the share `c` have one of the sensitive `values`.

    `sensitive` is an output column of the record table. A missing value is none of the sensitive ones, but a record.

    Source: Mohammed, Fung, Hung & Lee, Anonymizing healthcare data, KDD 2009 (LKC-privacy).
    """

    model: Literal["lkc"]
    l: Annotated[int, Field(ge=1, le=4)]
    c: Annotated[float, Field(gt=0, lt=1)]
    sensitive: ColumnName
    values: Annotated[tuple[str, ...], Field(min_length=1)]


CodeModel = KmAnonymity | LkcPrivacy
"""Any of the models of codes."""

WrittenCodeModel = Annotated[CodeModel, Field(discriminator="model")]


class Trajectory(PolicyModel):
    """Of all people with a date at most the share `max_uniqueness` is singled out by `points` of their dates.

    The finest level of the column's hierarchy that does is taken; where the coarsest does not, single dates go, at most
    `suppression_limit` of them.

    Source: de Montjoye et al., Unique in the Crowd, Scientific Reports 3:1376, 2013.
    """

    table: Name
    column: ColumnName
    points: Annotated[int, Field(ge=1, le=4)]
    max_uniqueness: Ratio
    suppression_limit: Ratio = 0.0


class Household(PolicyModel):
    """The column of a person table that names the household or family; who has none is a household alone."""

    table: Name
    column: ColumnName


class Events(PolicyModel):
    """What holds of the events of a release; at least one of the two."""

    codes: tuple[WrittenCodeModel, ...] = ()
    trajectories: tuple[Trajectory, ...] = ()

    @model_validator(mode="after")
    def _each_column_once(self) -> Self:
        if len({model.name for model in self.codes}) != len(self.codes):
            msg = "names of models differ"
            raise ValueError(msg)
        if not self.columns or len(set(self.columns)) != len(self.columns):
            msg = "name at least one column of events, and each only once"
            raise ValueError(msg)
        return self

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The (table, column) pairs named, in the order written."""
        codes = ((each.table, each.column) for model in self.codes for each in model.codes)
        return (*codes, *((each.table, each.column) for each in self.trajectories))


def parameters_of_events(events: Events) -> dict[str, object]:
    """Return events as evidence writes them; of sensitive values only how many, because evidence lists no values."""
    written = events.model_dump(mode="json", exclude_none=True)
    for model in written["codes"]:
        if "values" in model:
            model["values"] = len(model["values"])
    return written


def judged_columns(events: Events, classes: Iterable[str]) -> frozenset[str]:
    """Return the columns of the record table that are judged before events change any code: `classes`, and what `lkc` bounds."""
    return frozenset(classes) | {model.sensitive for model in events.codes if isinstance(model, LkcPrivacy)}


def power_of(model: CodeModel) -> int:
    """Return how many codes of a record the attacker may know."""
    return model.m if isinstance(model, KmAnonymity) else model.l
