"""The independent recount: does the published table keep what its evidence says?

Hand-written SQL on a connection of its own, over the published strings; nothing of the search, its codes or its Ibis
expressions is used, so that one mistake cannot pass both. Column names come from the policy and are quoted; no value
of a person is ever part of a statement or a message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anonymization.evidence import CheckKind, CheckResult
from anonymization.hierarchy import ROOT, Hierarchy
from anonymization.recount_risk import check_risks
from anonymization.recount_sensitive import check_sensitive
from anonymization.recount_sql import NamedRows, as_written, connect, load, quoted, register
from anonymization.risk_models import NOTHING_ASKED, AskedRisk
from anonymization.sensitive_models import AskedModel, columns_of, compares_with_table
from policies.errors import PolicyError

if TYPE_CHECKING:
    import ibis

NUMBERS = "(0|[1-9][0-9]*)(-(0|[1-9][0-9]*))?"
"""A number, or an interval of numbers by its ends."""
OPEN_VALUES = f"""
    LEFT JOIN (
      SELECT DISTINCT value FROM labels WHERE label <> '{ROOT}' AND NOT regexp_full_match(label, '{NUMBERS}')
    ) AS o ON o.value = {{value}}
"""
"""Values with a label that does not name its ends, such as `90+`: free cuts must not tell them apart."""


@dataclass(frozen=True, slots=True)
class SourceRows:
    """The rows a release was made from, before suppression, with its sensitive columns.

    They are the whole table that models such as t-closeness compare a class with, and what every published label is
    held against. `row_id` names a column that is unique in `rows` and carried through to the published table (it is
    removed before output); None where there is none left, and labels cannot be checked. `hierarchies` and `levels` are
    by quasi-identifier; one without a hierarchy must be unchanged. `levels` None says that the level varies by row (local
    recoding): then every label that the hierarchy gives a value, at whatever level, covers it. In the columns of `free_cuts`
    an interval `low-high` of whole numbers covers the values from low to high, those in an open class excepted.
    """

    rows: "ibis.Table | NamedRows" = field(repr=False)
    row_id: str | None
    hierarchies: Mapping[str, Hierarchy] = field(default_factory=dict, repr=False)
    levels: Mapping[str, int] | None = field(default_factory=dict)
    free_cuts: Sequence[str] = ()


def recount(
    published: "ibis.Table | NamedRows",
    *,
    quasi_identifiers: Sequence[str],
    k: int,
    sensitive: Sequence[AskedModel] = (),
    person: str | None = None,
    source: SourceRows | None = None,
    asked_risk: AskedRisk = NOTHING_ASKED,
) -> tuple[CheckResult, ...]:
    """Count the published table anew and judge it.

    Args:
        published: The table as it will leave, with the person column and row id still there if they are to be used. What
            lies in an engine by name, this or the source, is read there, piece by piece; both by name lie in one.
        quasi_identifiers: Its quasi-identifier columns; nulls compare equal.
        k: The least number of people in a class.
        sensitive: The models of sensitive columns, a hierarchical distance with its hierarchy.
        person: The column of `published` that names the person; None when every row is another person.
        source: The rows it was made from. None leaves the labels unchecked, and refuses models that compare a class
            with the whole table.
        asked_risk: Models of who could be found, and the population table that some need; its people are generalized by
            the hierarchies and levels of `source`.

    Returns:
        Blocking checks: `recount.not_empty`, `recount.k`, one a model (`recount.l.<column>`, `recount.k_map`, ...),
        and, with a source that has row ids, `recount.rows` and one `recount.label.<column>` each. All counts and
        measures, no values.

    Raises:
        PolicyError: A column is not in the table it should be in, or a model needs the source and there is none.
    """
    wanted = [*quasi_identifiers, *columns_of(sensitive), *([person] if person else [])]
    row_id = source.row_id if source is not None else None
    ids = [row_id] if row_id is not None else []
    _require(published, [*wanted, *ids])
    connection = _connection_of(published, source)
    try:
        load(connection, "published", published, [*wanted, *ids])
        if source is not None:
            compared = [
                *(quasi_identifiers if ids or asked_risk.weighs_loss else ()),
                *ids,
                *columns_of(list(filter(compares_with_table, sensitive))),
            ]
            _require(source.rows, compared)
            if compared:
                load(connection, "source", source.rows, compared)
        checks = [
            _not_empty(connection),
            _check_k(connection, quasi_identifiers, k, person),
            *(check_sensitive(connection, quasi_identifiers, one, has_source=source is not None) for one in sensitive),
            *check_risks(
                connection,
                quasi_identifiers,
                asked_risk,
                person=person,
                hierarchies=source.hierarchies if source is not None else {},
                levels=source.levels if source is not None else None,
            ),
        ]
        if source is not None and row_id is not None:
            checks.append(_check_rows(connection, row_id))
            checks.extend(_check_labels(connection, column, source, row_id) for column in quasi_identifiers)
    finally:
        connection.close()
    return tuple(checks)


def _connection_of(published: "ibis.Table | NamedRows", source: SourceRows | None) -> Any:
    for rows in (published, source.rows if source is not None else None):
        if isinstance(rows, NamedRows):
            return rows.connection
    return connect()


def _require(rows: "ibis.Table | NamedRows", columns: Sequence[str]) -> None:
    absent = [column for column in columns if column not in rows.columns]
    if absent:
        raise PolicyError(
            "policy.unknown-column",
            what=f"the table to recount has no column {', '.join(repr(column) for column in absent)}",
            why="what cannot be counted cannot be released",
            fix="name the columns as the release does",
        )


def _not_empty(connection: Any) -> CheckResult:
    rows = int(connection.execute("SELECT COUNT(*) FROM published").fetchall()[0][0])
    return CheckResult(
        name="recount.not_empty",
        kind=CheckKind.RECOUNT,
        passed=rows > 0,
        blocking=True,
        what="the published table has rows" if rows else "the published table has no rows",
        measured={"rows": rows},
    )


def _check_k(connection: Any, quasi_identifiers: Sequence[str], k: int, person: str | None) -> CheckResult:
    keys = ", ".join(quoted(column) for column in quasi_identifiers)
    people = f"COUNT(DISTINCT {quoted(person)})" if person else "COUNT(*)"
    classes, smallest, short = connection.execute(
        f"""
        SELECT COUNT(*), COALESCE(MIN(people), 0), COUNT(*) FILTER (WHERE people < ?)
        FROM (SELECT {people} AS people FROM published GROUP BY {keys})
        """,
        [k],
    ).fetchall()[0]
    return CheckResult(
        name="recount.k",
        kind=CheckKind.RECOUNT,
        passed=short == 0,
        blocking=True,
        what=f"every class holds at least {k} people"
        if short == 0
        else f"{short} of {classes} classes hold fewer than {k} people",
        measured={"k": int(smallest), "classes": int(classes), "classes_below_k": int(short)},
    )


def _check_rows(connection: Any, row_id: str) -> CheckResult:
    key = quoted(row_id)
    strange, repeated = connection.execute(
        f"""
        SELECT
          (SELECT COUNT(*) FROM published AS p WHERE NOT EXISTS (SELECT 1 FROM source AS s WHERE s.{key} = p.{key})),
          (SELECT COUNT(*) - COUNT(DISTINCT {key}) FROM published)
          + (SELECT COUNT(*) - COUNT(DISTINCT {key}) FROM source)
        """
    ).fetchall()[0]
    passed = strange == 0 and repeated == 0
    return CheckResult(
        name="recount.rows",
        kind=CheckKind.RECOUNT,
        passed=passed,
        blocking=True,
        what="every published row is one row of the source"
        if passed
        else f"{strange} published rows are not in the source, {repeated} row ids are repeated",
        measured={"rows_without_source": int(strange), "repeated_row_ids": int(repeated)},
    )


def _check_labels(connection: Any, column: str, source: SourceRows, row_id: str) -> CheckResult:
    name, key = quoted(column), quoted(row_id)
    value = as_written(connection, "source", column, alias="s")
    hierarchy = source.hierarchies.get(column)
    if hierarchy is None:
        join, wrong = "", f"p.{name} IS DISTINCT FROM s.{name}"
    else:
        levels = range(hierarchy.height) if source.levels is None else [source.levels[column]]
        _load_labels(connection, hierarchy, levels, name, value)
        # A missing value stays missing until the level says nothing at all; a label must be the value's own.
        join = f"""
            LEFT JOIN labels AS h ON h.value = {value} AND h.label = p.{name}
            LEFT JOIN missing_labels AS m ON m.label IS NOT DISTINCT FROM p.{name}
        """
        is_wrong = "h.label IS NULL"
        if column in source.free_cuts and source.levels is None:
            # What reads like an interval is held to what it says, not to what the hierarchy calls so.
            join += OPEN_VALUES.format(value=value)
            reads = f"regexp_full_match(COALESCE(p.{name}, ''), '{NUMBERS}') AND o.value IS NULL"
            is_wrong = f"CASE WHEN {reads} THEN NOT {_is_around(f'p.{name}', value)} ELSE h.label IS NULL END"
        wrong = f"CASE WHEN s.{name} IS NULL THEN m.is_known IS NULL ELSE {is_wrong} END"
    mistaken = int(
        connection.execute(
            f"SELECT COUNT(*) FROM published AS p JOIN source AS s ON s.{key} = p.{key} {join} WHERE {wrong}"
        ).fetchall()[0][0]
    )
    return CheckResult(
        name=f"recount.label.{column}",
        kind=CheckKind.RECOUNT,
        passed=mistaken == 0,
        blocking=True,
        what=f"every label of '{column}' covers its source value"
        if mistaken == 0
        else f"{mistaken} labels of '{column}' do not cover their source value",
        measured={"wrong_labels": mistaken},
    )


def _is_around(label: str, value: str) -> str:
    """Return SQL that is true where a value is the number, or in the interval of numbers, that a label reads like."""
    low = f"TRY_CAST(regexp_extract({label}, '{NUMBERS}', 1) AS BIGINT)"
    high = f"TRY_CAST(COALESCE(NULLIF(regexp_extract({label}, '{NUMBERS}', 3), ''), {label}) AS BIGINT)"
    return f"COALESCE(TRY_CAST({value} AS BIGINT) BETWEEN {low} AND {high}, FALSE)"


def _load_labels(connection: Any, hierarchy: Hierarchy, levels: Sequence[int], name: str, value: str) -> None:
    """Make `labels`, what each value may be published as, and `missing_labels`, the same of a missing one."""
    import pyarrow as pa

    rows = connection.execute(f"SELECT DISTINCT {value} FROM source AS s WHERE s.{name} IS NOT NULL").fetchall()
    grown = hierarchy.for_values(row[0] for row in rows)
    pairs = {(leaf, grown.labels[level][place]) for level in levels for place, leaf in enumerate(grown.leaves)}
    leaves, labels = ([pair[side] for pair in sorted(pairs)] for side in (0, 1))
    register(
        connection, "labels", pa.table({"value": pa.array(leaves, pa.string()), "label": pa.array(labels, pa.string())})
    )
    missing = {ROOT if level == grown.height - 1 else None for level in levels}
    known = pa.array([True] * len(missing), pa.bool_())
    register(connection, "missing_labels", pa.table({"label": pa.array(list(missing), pa.string()), "is_known": known}))
