"""Applying a release's treatments: from pseudonymized tables to the columns that leave, and nothing else.

Deny by default: a column that the release does not list refuses the release. Here: which columns meet, and in which
order; the operations are in `treatments`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import ibis

from anonymization.hierarchy import Hierarchy
from anonymization.pseudonymize import key_domain
from anonymization.tables import AnyTable, EventTable, GenotypeTable, PersonTable, Pseudonymized, ReferenceTable
from anonymization.treatments import ReleaseSecrets, Work, apply_treatments
from policies.errors import DataError, PolicyError
from policies.model import Column, DatasetPolicy, ReleaseColumn, ReleasePolicy, ReleaseTable, TablePolicy
from policies.model.method import Microdata, PrivateMethod
from policies.model.treatment import (
    AddNoise,
    AggregateOnly,
    Generalize,
    Microaggregate,
    RollUpRare,
    RoundRandomly,
    ToAge,
    ToDurationDays,
)
from policies.vocabulary import ColumnRole, TableKind

PERSON = "__person"
"""The column of a treated table that holds the person's pseudonym; it never leaves."""

RECORD = "__record"
"""The column of a treated table that holds the row's own pseudonym, if the table has a record key; it never leaves."""

_KEY_ROLES = frozenset(
    {
        ColumnRole.PERSON_KEY,
        ColumnRole.RECORD_KEY,
        ColumnRole.FOREIGN_KEY,
        ColumnRole.SAMPLE_KEY,
        ColumnRole.HOUSEHOLD_KEY,
    }
)


HOUSEHOLD = "__household"
"""The column of a treated record table that holds the household's pseudonym, if the method names one; it never leaves."""


def record_of(table: str) -> str:
    """Return the name of the column that holds the pseudonym of the row of `table` that a detail row belongs to."""
    return f"__record_of_{table}"


@dataclass(frozen=True, slots=True)
class TreatedTable:
    """A table of a release after its treatments, before its privacy model.

    Attributes:
        name: The table's name in the release.
        dataset: The dataset it comes from.
        kind: What a row is.
        rows: The treated columns under their output names; `__person` where a row has a person, `__record` where the
            table has a record key, `record_of(t)` for each key to a table t of the release.
        aggregate_only: Columns of `rows` that only statistics may use.
        joined: Columns of `rows` that came from a table of people.
        keys: Columns of `rows` under output names that are treated keys → the domain of their values.
        record_domain: The domain of the table's record key, None without one.
        searched: Columns whose level is left to the search → the name of their hierarchy.
        rare: Columns whose rare values were rolled up → how many people a value needs. Whoever removes rows afterwards
            counts again.
        details_of: Tables that this one holds keys of.
        rare_within: Columns of `rare` → the columns beside which their values are counted (microaggregation).
        means: Columns whose last treatment is microaggregation, with output names in `within`. Whoever removes rows afterwards
            joins the groups that became too small.
    """

    name: str
    dataset: str
    kind: TableKind
    rows: ibis.Table = field(repr=False)
    aggregate_only: frozenset[str] = frozenset()
    joined: frozenset[str] = frozenset()
    keys: Mapping[str, str] = field(default_factory=dict)
    record_domain: str | None = None
    searched: Mapping[str, str] = field(default_factory=dict)
    rare: Mapping[str, int] = field(default_factory=dict)
    details_of: frozenset[str] = frozenset()
    rare_within: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    means: Mapping[str, Microaggregate] = field(default_factory=dict)

    @property
    def leaving(self) -> tuple[str, ...]:
        """The columns that may leave in rows, in order."""
        hidden = self.aggregate_only
        return tuple(name for name in self.rows.columns if not name.startswith("__") and name not in hidden)


@dataclass(frozen=True, slots=True)
class _Source:
    """A column on its way: where it stands in the working table, and what the release says of it."""

    column: str
    table: str
    entry: ReleaseColumn
    domain: str
    others: Mapping[str, str]
    is_key: bool
    is_joined: bool


def treat_tables(
    release: ReleasePolicy, sources: Mapping[str, Pseudonymized], *, hierarchies: Mapping[str, Hierarchy]
) -> Mapping[str, TreatedTable]:
    """Apply the release's treatments to the tables it names, columns of people joined to each of their events.

    Columns of a person table are treated in each event table of the same dataset, so that an age is the age at the
    event; under the microdata method in the record table only. Where an event table lacks the date that such a treatment names, the column does not join it.
    `generalize … level: search` leaves the value for the search of the microdata method.

    Args:
        release: What leaves.
        sources: The pseudonymized datasets by id. Not changed.
        hierarchies: The hierarchies by name.

    Returns:
        The treated tables by name, without genotype tables. Random ids and shifts are drawn anew in every call.

    Raises:
        PolicyError: A column of the data is not listed; a listed column does not exist, or is gone and should leave;
            a treatment does not fit; two columns would have one name.
        DataError: A dataset or table is missing; a value is unknown to its hierarchy.

    Guarantee: No column leaves that the release does not list with a treatment that lets it leave.
    Not guaranteed: Anonymity. The rows still hold the persons' pseudonyms; a method must follow.
    """
    tables = _named_tables(release, sources)
    drawn = ReleaseSecrets()
    treated: dict[str, TreatedTable] = {}
    for entry in release.tables:
        table = tables[entry.table]
        if not isinstance(table, GenotypeTable):
            treatment = _TableTreatment(release, sources[entry.dataset].dataset, tables, hierarchies, drawn)
            treated[entry.table] = treatment.treat(entry, table)
    _every_joined_column_used(release, treated)
    return treated


def _named_tables(release: ReleasePolicy, sources: Mapping[str, Pseudonymized]) -> dict[str, AnyTable]:
    tables: dict[str, AnyTable] = {}
    for entry in release.tables:
        source = sources.get(entry.dataset)
        table = source.tables.get(entry.table) if source is not None else None
        if source is None or table is None:
            raise DataError(
                "data.missing-table",
                what=f"release '{release.id}' names '{entry.dataset}.{entry.table}', which is not among the data",
                why="a release is computed from all its tables",
                fix="run the stages of the dataset, or correct the release policy",
            )
        if entry.table in tables:
            raise PolicyError(
                "policy.ambiguous-table",
                what=f"release '{release.id}' has two tables called '{entry.table}'",
                why="its tables are told apart by name",
                fix="rename the table in one of the dataset policies",
            )
        _every_column_listed(source.dataset, entry, table)
        _nothing_data_dependent(release, entry)
        tables[entry.table] = table
    return tables


def _every_column_listed(dataset: DatasetPolicy, entry: ReleaseTable, table: AnyTable) -> None:
    policy = dataset.table(entry.table)
    declared = {column.name for column in policy.columns} if policy else set()
    present = set() if isinstance(table, GenotypeTable) else set(table.rows.columns)
    listed = {column.name for column in entry.columns}
    where = f"'{entry.dataset}.{entry.table}'"
    unlisted = sorted((declared | present) - listed)
    if unlisted:
        raise PolicyError(
            "policy.unlisted-column",
            what=f"the release says nothing of the columns {', '.join(unlisted)} of {where}",
            why="a column without a treatment is refused, because nobody decided that it may leave",
            fix="list every column with a treatment; `drop_column` for those that do not leave",
        )
    unknown = sorted(listed - declared)
    if unknown:
        raise PolicyError(
            "policy.unknown-column",
            what=f"the release lists the columns {', '.join(unknown)}, which {where} does not have",
            why="a treatment without its column protects nothing",
            fix="correct the name, or take the column out of the release",
        )
    if isinstance(table, GenotypeTable):
        return
    gone = sorted(column.name for column in entry.columns if column.name not in present and _is_used(column))
    if gone:
        raise PolicyError(
            "policy.column-gone",
            what=f"the release uses the columns {', '.join(gone)} of {where}, which pseudonymization removed",
            why="direct identifiers, identification codes and free text never reach a release (rules APPI-17, APPI-22)",
            fix="treat them with `drop_column`",
        )


def _nothing_data_dependent(release: ReleasePolicy, entry: ReleaseTable) -> None:
    _nothing_perturbed(release, entry)
    if not isinstance(release.method, PrivateMethod):
        return
    for column in entry.columns:
        for step in column.treat:
            if isinstance(step, RollUpRare) or (isinstance(step, Generalize) and step.level == "search"):
                raise PolicyError(
                    "policy.data-dependent-treatment",
                    what=f"'{entry.table}.{column.name}' has '{step.op}', which looks at other people's rows",
                    why="differential privacy bounds one person's effect; such a treatment lets one person move others",
                    fix="generalize to a fixed level",
                )


def _nothing_perturbed(release: ReleasePolicy, entry: ReleaseTable) -> None:
    """Refuse changed values where no recount of their groups or lots follows."""
    for column in entry.columns:
        for step in column.treat:
            if isinstance(step, Microaggregate | RoundRandomly | AddNoise) and not isinstance(
                release.method, Microdata
            ):
                raise PolicyError(
                    "policy.perturbed-elsewhere",
                    what=f"'{entry.table}.{column.name}' has '{step.op}', and the release is no microdata",
                    why="its groups or lots are recounted in records that leave; a statistic of changed values is wrong unsaid",
                    fix="round or generalize it",
                )


def _is_used(column: ReleaseColumn) -> bool:
    """Tell whether the column leaves or feeds a statistic."""
    is_dropped = any(step.op in {"drop_column", "reject_at_landing"} for step in column.treat)
    return not is_dropped and (column.leaves or any(isinstance(step, AggregateOnly) for step in column.treat))


def _needed_dates(column: ReleaseColumn) -> set[str]:
    needed = {step.at for step in column.treat if isinstance(step, ToAge)}
    return needed | {step.since for step in column.treat if isinstance(step, ToDurationDays)}


@dataclass(frozen=True, slots=True)
class _TableTreatment:
    """What the treatment of one table needs to know."""

    release: ReleasePolicy
    dataset: DatasetPolicy
    tables: Mapping[str, AnyTable] = field(repr=False)
    hierarchies: Mapping[str, Hierarchy] = field(repr=False)
    drawn: ReleaseSecrets = field(repr=False)

    def treat(self, entry: ReleaseTable, table: AnyTable) -> TreatedTable:
        """Join the columns of people, treat column by column, keep what leaves."""
        if not isinstance(table, PersonTable | EventTable | ReferenceTable):
            raise PolicyError(
                "policy.register-in-release",
                what=f"release '{self.release.id}' names the register '{entry.table}'",
                why="decisions of people are not released",
                fix="take the table out of the release",
            )
        rows, columns = self._own_columns(entry, table)
        if isinstance(table, EventTable) and self._takes_people(entry):
            rows, columns = self._join_people(entry, table, rows, columns)
        outputs: dict[str, str] = {}
        for number, source in enumerate(columns):
            outputs, rows = self._treat_column(number, source, rows, outputs)
        person = table.policy.person_key
        keys = self._kept_keys(entry, table)
        kept = {name: rows[work] for name, work in outputs.items()}
        kept |= {name: rows[work] for name, work in keys.items()}
        by_name = {source.entry.output_name: source for source in columns}
        means = {name: step for name in outputs if (step := self._last_means(entry, by_name[name].entry))}
        return TreatedTable(
            name=entry.table,
            dataset=entry.dataset,
            kind=table.policy.kind,
            rows=rows.select(**kept) if person or kept else rows,
            aggregate_only=frozenset(name for name in outputs if not by_name[name].entry.leaves),
            joined=frozenset(name for name in outputs if by_name[name].is_joined),
            keys={name: by_name[name].domain for name in outputs if by_name[name].is_key},
            record_domain=self._record_domain(table),
            searched={name: found for name in outputs if (found := _searched(by_name[name].entry))},
            rare={name: people for name in outputs if (people := _rare(by_name[name].entry)) and name not in means},
            rare_within={name: self._beside(entry, by_name[name].entry) for name in outputs},
            means=means,
            details_of=frozenset(other for other in (t.table for t in self.release.tables) if record_of(other) in keys),
        )

    @staticmethod
    def _beside(entry: ReleaseTable, column: ReleaseColumn) -> tuple[str, ...]:
        """Return the output names of the columns within which a column is microaggregated."""
        names = {other.name: other.output_name for other in entry.columns}
        steps = [step for step in column.treat if isinstance(step, Microaggregate)]
        return tuple(names[name] for step in steps for name in step.within if name in names)

    def _last_means(self, entry: ReleaseTable, column: ReleaseColumn) -> Microaggregate | None:
        """Return the microaggregation that ends a column's treatments, with output names; None if something follows it."""
        last = column.treat[-1] if column.treat else None
        if not isinstance(last, Microaggregate):
            return None
        return last.model_copy(update={"within": self._beside(entry, column)})

    def _takes_people(self, entry: ReleaseTable) -> bool:
        """Columns of people join every event table, but of microdata the record table only: details must not hold them."""
        method = self.release.method
        return not isinstance(method, Microdata) or entry.table == method.record

    def _own_columns(
        self, entry: ReleaseTable, table: PersonTable | EventTable | ReferenceTable
    ) -> tuple[ibis.Table, list[_Source]]:
        """Return the table with working names, and its columns that are used."""
        names = {name: f"{entry.table}:{name}" for name in table.rows.columns}
        rows = table.rows.select(**{work: table.rows[name] for name, work in names.items()})
        columns = [
            self._source(entry, column, names, names, is_joined=False)
            for column in entry.columns
            if _is_used(column) and (table.policy.kind is not TableKind.PERSON or _needed_dates(column) <= set(names))
        ]
        return rows, columns

    def _source(
        self,
        entry: ReleaseTable,
        column: ReleaseColumn,
        names: Mapping[str, str],
        others: Mapping[str, str],
        *,
        is_joined: bool,
    ) -> _Source:
        policy = self.tables[entry.table].policy
        declared = next(found for found in policy.columns if found.name == column.name)
        is_key = declared.role in _KEY_ROLES
        domain = self._domain(policy, declared) if is_key else f"{self.dataset.id}/{entry.table}.{column.name}"
        return _Source(names[column.name], entry.table, column, domain, others, is_key, is_joined)

    def _domain(self, policy: TablePolicy, key: Column) -> str:
        return f"{self.dataset.project}/{key_domain(self.dataset, policy, key)}"

    def _record_domain(self, table: AnyTable) -> str | None:
        role = ColumnRole.PERSON_KEY if self._is_of_people(table.policy) else ColumnRole.RECORD_KEY
        keys = table.policy.with_role(role)
        return self._domain(table.policy, keys[0]) if keys else None

    def _is_of_people(self, policy: TablePolicy) -> bool:
        """Tell whether the table is the record table of microdata, and a record is a person."""
        method = self.release.method
        is_record = isinstance(method, Microdata) and policy.name == method.record
        return is_record and policy.kind is TableKind.PERSON

    def _join_people(
        self, entry: ReleaseTable, table: EventTable, rows: ibis.Table, columns: list[_Source]
    ) -> tuple[ibis.Table, list[_Source]]:
        own = {name: f"{entry.table}:{name}" for name in table.rows.columns}
        joined = list(columns)
        for other in self.release.tables:
            people = self.tables[other.table]
            if other.dataset != entry.dataset or not isinstance(people, PersonTable):
                continue
            names = {name: f"{other.table}:{name}" for name in people.rows.columns}
            person = str(people.policy.person_key)
            renamed = people.rows.select(**{work: people.rows[name] for name, work in names.items()})
            rows = rows.left_join(renamed, rows[own[str(table.policy.person_key)]] == renamed[names[person]])
            others = {**names, **own}
            keys = {column.name for column in people.policy.columns if column.role in _KEY_ROLES}
            joined.extend(
                self._source(other, column, names, others, is_joined=True)
                for column in other.columns
                if _is_used(column) and column.name not in keys and _needed_dates(column) <= set(others)
            )
        return rows, joined

    def _treat_column(
        self, number: int, source: _Source, rows: ibis.Table, outputs: dict[str, str]
    ) -> tuple[dict[str, str], ibis.Table]:
        name = source.entry.output_name
        if name in outputs or name.startswith("__"):
            raise PolicyError(
                "policy.column-clash",
                what=f"two columns of the release would leave as '{name}', one of them from '{source.table}'",
                why="a column of people joins each of their events, so names must differ",
                fix="rename one with `as`",
            )
        work_column = f"__out_{number}"
        work = Work(
            rows=rows.mutate(**{work_column: rows[source.column]}),
            column=work_column,
            person=self._person_column(rows, source),
            label=f"{source.table}.{source.entry.name}",
            domain=source.domain,
            others=source.others,
            hierarchies=self.hierarchies,
            secrets=self.drawn,
        )
        done = apply_treatments(work, source.entry.treat)
        return {**outputs, name: work_column}, done.rows

    def _person_column(self, rows: ibis.Table, source: _Source) -> str | None:
        person = self.tables[source.table].policy.person_key
        column = f"{source.table}:{person}"
        return column if person is not None and column in rows.columns else None

    def _kept_keys(self, entry: ReleaseTable, table: PersonTable | EventTable | ReferenceTable) -> dict[str, str]:
        """Return the internal key columns → the working columns that hold them."""
        keys: dict[str, str] = {}
        if table.policy.person_key is not None:
            keys[PERSON] = f"{entry.table}:{table.policy.person_key}"
        for column in table.policy.with_role(ColumnRole.RECORD_KEY)[:1]:
            keys[RECORD] = f"{entry.table}:{column.name}"
        keys |= self._people_keys(entry, table)
        released = {other.table for other in self.release.tables}
        for column in table.policy.with_role(ColumnRole.FOREIGN_KEY):
            parent, _, key = (column.references or "").partition(".")
            target = self.dataset.table(parent)
            refers = target.column(key) if target else None
            if parent in released and refers is not None and refers.role is ColumnRole.RECORD_KEY:
                keys[record_of(parent)] = f"{entry.table}:{column.name}"
        return keys

    def _people_keys(self, entry: ReleaseTable, table: PersonTable | EventTable | ReferenceTable) -> dict[str, str]:
        """Return the keys of microdata whose records are people, and of households, if the method asks for them."""
        method = self.release.method
        if not isinstance(method, Microdata):
            return {}
        keys: dict[str, str] = {}
        own = f"{entry.table}:{table.policy.person_key}"
        record = self.dataset.table(method.record)
        if record is not None and self._is_of_people(record) and table.policy.person_key is not None:
            keys[RECORD if entry.table == method.record else record_of(method.record)] = own
        household = method.household
        if household is not None and entry.table == method.record:
            source = self.tables[household.table].policy if household.table in self.tables else None
            if source is not None and source.column(household.column) is not None:
                keys[HOUSEHOLD] = f"{household.table}:{household.column}"
        return keys


def _searched(entry: ReleaseColumn) -> str | None:
    found = [step.hierarchy for step in entry.treat if isinstance(step, Generalize) and step.level == "search"]
    return found[-1] if found else None


def _rare(entry: ReleaseColumn) -> int | None:
    return max(
        (step.min_persons for step in entry.treat if isinstance(step, RollUpRare | Microaggregate)), default=None
    )


def _every_joined_column_used(release: ReleasePolicy, treated: Mapping[str, TreatedTable]) -> None:
    """Refuse a column whose treatment names a date that no table of the release has."""
    present = {name for table in treated.values() for name in table.rows.columns}
    for entry in release.tables:
        if entry.table not in treated:
            continue
        lost = [column.name for column in entry.columns if _is_used(column) and column.output_name not in present]
        if lost:
            raise PolicyError(
                "policy.unknown-column",
                what=f"the treatments of {_listed(lost)} of '{entry.table}' name a date that no table here has",
                why="the operation cannot be computed anywhere in the release",
                fix="name a date column of the person's own table or of one of its event tables",
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
