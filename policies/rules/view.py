"""What a rule sees: one release (or one dataset) with everything it refers to already looked up.

Belongs here: the views and the small questions that many rules ask. Does not: any rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from policies.errors import PolicyError
from policies.library import PolicyKind, PolicyLibrary
from policies.model import Column, DatasetPolicy, ReleaseColumn, ReleasePolicy, ReleaseTable, TablePolicy
from policies.places import Key
from policies.vocabulary import ColumnClass, ColumnRole, ColumnType, OutputCategory, Severity, TableKind

Parameter = int | float | str | bool | tuple[str, ...]
Parameters = Mapping[str, Parameter]

ANONYMIZED = frozenset(
    {OutputCategory.ANONYMIZED_APPI, OutputCategory.ANONYMIZED_ADMIN, OutputCategory.ANONYMIZED_NGMI}
)
"""Row-level data that is no longer about a person."""
PSEUDONYMIZED = frozenset({OutputCategory.PSEUDONYMIZED_APPI, OutputCategory.PSEUDONYMIZED_NGMI})
KEY_ROLES = frozenset(
    {
        ColumnRole.PERSON_KEY,
        ColumnRole.RECORD_KEY,
        ColumnRole.FOREIGN_KEY,
        ColumnRole.SAMPLE_KEY,
        ColumnRole.HOUSEHOLD_KEY,
    }
)
COARSENING = frozenset(
    {
        "to_age",
        "to_duration_days",
        "truncate_date",
        "to_prefecture",
        "generalize",
        "roll_up_rare",
        "top_code",
        "bottom_code",
    }
)
"""Operations after which several people share what one had before; shifting and renaming are not among them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule found: the problem, its remedy, and the keys that lead to its place in the policy file."""

    what: str
    fix: str
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Fate:
    """One column of a dataset and what the release does with it; `keys` lead to the release's entry."""

    keys: tuple[Key, ...]
    table: ReleaseTable
    column: ReleaseColumn
    source_table: TablePolicy
    source: Column

    @property
    def leaves(self) -> bool:
        """Whether the column is in row-level output."""
        return self.column.leaves

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations, in order."""
        return tuple(step.op for step in self.column.treat)

    @property
    def is_used(self) -> bool:
        """Whether any statistic may still use the column."""
        return not {"drop_column", "reject_at_landing"} & set(self.operations)

    @property
    def is_coarsened(self) -> bool:
        """Whether several people share a value after the treatment."""
        return bool(COARSENING & set(self.operations))

    @property
    def is_coarsened_for_sure(self) -> bool:
        """Whether several people share a value however a search turns out: a searched level may be the finest."""
        return any(
            step.op in COARSENING and not (step.op == "generalize" and step.level in {"search", 0})
            for step in self.column.treat
        )

    @property
    def is_exact_date(self) -> bool:
        """Whether the column is a date that nothing made coarser or moved."""
        is_date = self.source.type in {ColumnType.DATE, ColumnType.TIMESTAMP}
        return is_date and not self.is_coarsened and "date_shift" not in self.operations

    @property
    def is_key(self) -> bool:
        """Whether the column links records to each other, to a person, or to the source."""
        has_key_role = self.source.role in KEY_ROLES and self.source_table.kind is not TableKind.REFERENCE
        return has_key_role or ColumnClass.LINKAGE_CODE in self.source.classes

    @property
    def name(self) -> str:
        """The column as messages call it: `table.column`."""
        return f"'{self.table.table}.{self.column.name}'"

    def has(self, *classes: ColumnClass) -> bool:
        """Return whether the column has one of the legal classes."""
        return bool(set(classes) & set(self.source.classes))


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release, the datasets it draws on (those that loaded), and the fate of every column that is known."""

    release: ReleasePolicy
    datasets: Mapping[str, DatasetPolicy]
    fates: tuple[Fate, ...]
    library: PolicyLibrary
    on: date

    @property
    def category(self) -> OutputCategory:
        """What leaves, in the words of the Act."""
        return self.release.output_category

    def fates_of(self, table: str) -> tuple[Fate, ...]:
        """Return the columns that records of `table` may show: its own, and those of the person tables that join it."""
        return tuple(
            fate for fate in self.fates if fate.table.table == table or fate.source_table.kind is TableKind.PERSON
        )

    def source_table(self, name: str) -> TablePolicy | None:
        """Return the dataset table behind the release table called `name`, or None."""
        return next((fate.source_table for fate in self.fates if fate.table.table == name), None)


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A dataset policy and the library it is in."""

    dataset: DatasetPolicy
    library: PolicyLibrary
    on: date


def view_release(release: ReleasePolicy, library: PolicyLibrary, *, on: date) -> ReleaseView:
    """Look up everything a release refers to; what is not there is left out (`structure` reports it)."""
    datasets = {name: library.datasets[name] for name in release.datasets if name in library.datasets}
    fates = []
    for table_index, table in enumerate(release.tables):
        dataset = datasets.get(table.dataset)
        source_table = dataset.table(table.table) if dataset else None
        if source_table is None:
            continue
        known = {column.name: column for column in reversed(source_table.columns)}
        for column_index, column in enumerate(table.columns):
            source = known.get(column.name)
            if source is not None:
                keys: tuple[Key, ...] = ("tables", table_index, "columns", column_index)
                fates.append(Fate(keys, table, column, source_table, source))
    return ReleaseView(release=release, datasets=datasets, fates=tuple(fates), library=library, on=on)


def is_broken(view: ReleaseView) -> bool:
    """Return whether a dataset of the release is there but did not load; the release cannot be judged then."""
    return any(view.library.is_broken(PolicyKind.DATASET, name) for name in view.release.datasets)


def words(parameters: Parameters, name: str) -> tuple[str, ...]:
    """Return a parameter of a rule that is a list of words.

    Raises:
        PolicyError: `policy.rule-parameter`: the rule pack does not have it.
    """
    value = parameters.get(name)
    if not isinstance(value, tuple):
        raise _parameter(name, "a list")
    return value


def number(parameters: Parameters, name: str) -> int:
    """Return a parameter of a rule that is a whole number.

    Raises:
        PolicyError: `policy.rule-parameter`: the rule pack does not have it.
    """
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _parameter(name, "a whole number")
    return value


def fraction(parameters: Parameters, name: str) -> Fraction:
    """Return a parameter of a rule that is an exact share or amount, written in quotes like `'0.09'`.

    Raises:
        PolicyError: `policy.rule-parameter`: the rule pack does not have it.
    """
    value = parameters.get(name)
    try:
        return Fraction(value) if isinstance(value, str) else Fraction("")
    except ValueError:
        raise _parameter(name, "an exact number in quotes") from None


def listed(names: Iterable[str]) -> str:
    """Write names for a message: `'a', 'b'`."""
    return ", ".join(f"'{name}'" for name in names)


def _parameter(name: str, kind: str) -> PolicyError:
    return PolicyError(
        "policy.rule-parameter",
        what=f"the rule has no parameter '{name}' that is {kind}",
        why="a rule's thresholds are in its rule pack, where reviewers read them",
        fix=f"add `{name}` to the rule's `parameters`",
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a policy file as such, whatever the law says; `code` is its dotted name without `policy.`."""

    code: str
    what: str
    why: str
    fix: str
    keys: tuple[Key, ...] = ()
    severity: Severity = Severity.BLOCK
