"""The independent recount of codes and dates: the published tables are joined and counted anew, by hand-written SQL.

Nothing of `events` is used: no tree, no search, no counting. Every combination of labels that a record shows is counted, with all
others, by a self-join for each code the attacker may know.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from anonymization.evidence import CheckKind, CheckResult, Scalar
from anonymization.recount_sql import connect, quoted, register
from policies.model.events import CodeModel, Events, LkcPrivacy, Trajectory, power_of

RECOUNTED_COMBINATIONS = 20_000_000
SAMPLED_RECORDS, TRIES = 2_000, 5


@dataclass(frozen=True, slots=True)
class PublishedEvents:
    """The tables as they leave: `records` with `record_id` and the quasi-identifiers, `details` with the id in the first column.

    `unit` names the column of `records` that says whose a record is, while that is known; None afterwards: then every record counts as
    a person's, and what is confirmed is weaker.
    """

    record: str
    records: pa.Table = field(repr=False)
    record_id: str
    details: Mapping[str, pa.Table] = field(repr=False)
    quasi_identifiers: Sequence[str]
    unit: str | None = None


def recount_events(events: Events, published: PublishedEvents, *, k: int) -> tuple[CheckResult, ...]:
    """Count the published events anew.

    Returns:
        A blocking check for each model: `recount.codes.<name>` and `recount.trajectory.<table>.<column>`.
    """
    connection = connect()
    try:
        _load_records(connection, published)
        checks = [_codes(connection, model, published, k=model.k or k) for model in events.codes]
        checks += [_trajectory(connection, each, published) for each in events.trajectories]
    finally:
        connection.close()
    return tuple(checks)


def _load_records(connection: Any, published: PublishedEvents) -> None:
    register(connection, "arrived_records", published.records)
    keys = ", ".join(quoted(column) for column in published.quasi_identifiers)
    unit = quoted(published.unit or published.record_id)
    connection.execute(
        f"CREATE TABLE whose AS SELECT *, {quoted(published.record_id)} AS __id, {unit} AS __unit,"
        f" DENSE_RANK() OVER (ORDER BY {keys}) AS __class FROM arrived_records"
    )


def _load_items(connection: Any, published: PublishedEvents, columns: Sequence[tuple[str, str]]) -> None:
    """Make `items`: one row a record and label it shows, labels of several columns apart from each other."""
    parts = []
    for number, (table, column) in enumerate(columns):
        rows = published.records if table == published.record else published.details[table]
        id_column = published.record_id if table == published.record else rows.column_names[0]
        register(connection, f"arrived_{number}", rows.select(list(dict.fromkeys([id_column, column]))))
        parts.append(
            f"SELECT {quoted(id_column)} AS id, '{number}:' || CAST({quoted(column)} AS VARCHAR) AS label"
            f" FROM arrived_{number} WHERE {quoted(column)} IS NOT NULL"
        )
    connection.execute(
        f"CREATE OR REPLACE TABLE named AS SELECT DISTINCT w.__id AS id, w.__unit AS unit, w.__class AS class, label"
        f" FROM ({' UNION ALL '.join(parts)}) AS e JOIN whose AS w ON w.__id = e.id"
    )
    connection.execute(
        "CREATE OR REPLACE TABLE items AS SELECT id, unit, class, DENSE_RANK() OVER (ORDER BY label) AS label FROM named"
    )


def _combined(size: int, *, extra: str = "") -> str:
    """Return the SQL of all combinations of `size` labels of one record, smaller labels first."""
    labels = ", ".join(f"i{n}.label AS l{n}" for n in range(size))
    joins = " ".join(f"JOIN items AS i{n} ON i{n}.id = i0.id AND i{n}.label > i{n - 1}.label" for n in range(1, size))
    return f"SELECT i0.id, i0.unit, i0.class, {labels} FROM items AS i0 {joins} {extra}"


def _codes(connection: Any, model: CodeModel, published: PublishedEvents, *, k: int) -> CheckResult:
    _load_items(connection, published, [(each.table, each.column) for each in model.codes])
    by_class = model.knows == "class_and_codes"
    least, combinations, wrong, unsafe = math.inf, 0, 0, 0
    worst = 0.0
    for size in range(1, power_of(model) + 1):
        labels = ", ".join([*(["class"] if by_class else []), *(f"l{n}" for n in range(size))])
        found, short, smallest = connection.execute(
            f"SELECT COUNT(*), COUNT(*) FILTER (WHERE people < ?), MIN(people)"
            f" FROM (SELECT COUNT(DISTINCT unit) AS people FROM ({_combined(size)}) GROUP BY {labels})",
            [k],
        ).fetchall()[0]
        combinations, wrong = combinations + int(found), wrong + int(short)
        least = min(least, math.inf if smallest is None else int(smallest))
        if isinstance(model, LkcPrivacy):
            for value in model.values:
                above, share = _shares(connection, model, value, (size, labels))
                unsafe, worst = unsafe + above, max(worst, share)
    if isinstance(model, LkcPrivacy):
        above, share = _share_before(connection, model, by_class=by_class)
        unsafe, worst = unsafe + above, max(worst, share)
    measured: dict[str, Scalar] = {"combinations": combinations, "combinations_below_k": wrong, "k": k}
    measured["least_people"] = None if least == math.inf else int(least)
    if isinstance(model, LkcPrivacy):
        measured |= {"above_c": unsafe, "confidence": worst}
    what = f"every combination of up to {power_of(model)} codes that a record shows is shown by at least {k} people"
    return CheckResult(
        name=f"recount.codes.{model.name}",
        kind=CheckKind.RECOUNT,
        passed=wrong == 0 and unsafe == 0,
        blocking=True,
        what=what if wrong + unsafe == 0 else f"{wrong} combinations have too few people, {unsafe} tell too much",
        rule="APPI-24",
        measured=measured,
    )


def _shares(connection: Any, model: LkcPrivacy, value: str, grouped: tuple[int, str]) -> tuple[int, float]:
    """Count the combinations whose records have a sensitive value too often; the largest share beside it."""
    size, labels = grouped
    above, worst = connection.execute(
        f"""
        SELECT COUNT(*) FILTER (WHERE share > ? + 1e-9), COALESCE(MAX(share), 0)
        FROM (
          SELECT COUNT(*) FILTER (WHERE CAST(w.{quoted(model.sensitive)} AS VARCHAR) = ?) / COUNT(*) AS share
          FROM ({_combined(size)}) AS c JOIN whose AS w ON w.__id = c.id GROUP BY {labels}
        )
        """,
        [model.c, value],
    ).fetchall()[0]
    return int(above), float(worst)


def _share_before(connection: Any, model: LkcPrivacy, *, by_class: bool) -> tuple[int, float]:
    """The same of all records, or all of a class: what is learned without any code."""
    above, worst = 0, 0.0
    for value in model.values:
        found = connection.execute(
            f"""
            SELECT COUNT(*) FILTER (WHERE share > ? + 1e-9), COALESCE(MAX(share), 0)
            FROM (
              SELECT COUNT(*) FILTER (WHERE CAST({quoted(model.sensitive)} AS VARCHAR) = ?) / COUNT(*) AS share
              FROM whose GROUP BY {"__class" if by_class else "1 = 1"}
            )
            """,
            [model.c, value],
        ).fetchall()[0]
        above, worst = above + int(found[0]), max(worst, float(found[1]))
    return above, worst


def _trajectory(connection: Any, each: Trajectory, published: PublishedEvents) -> CheckResult:
    _load_items(connection, published, [(each.table, each.column)])
    connection.execute("CREATE OR REPLACE TABLE lengths AS SELECT id, COUNT(*) AS points FROM items GROUP BY id")
    choices = connection.execute("SELECT points, COUNT(*) FROM lengths GROUP BY points").fetchall()
    total = sum(math.comb(int(length), min(int(length), each.points)) * int(rows) for length, rows in choices)
    records = sum(int(rows) for _, rows in choices)
    is_exact = total <= RECOUNTED_COMBINATIONS
    share = 0.0
    if records:
        share = _counted(connection, each.points, records) if is_exact else _tried(connection, each.points)
    error = 0.0 if is_exact else math.sqrt(math.log(2 / 0.05) / (2 * SAMPLED_RECORDS))
    passed = share - error <= each.max_uniqueness + 1e-9
    most = f"at most {each.max_uniqueness:g}"
    return CheckResult(
        name=f"recount.trajectory.{each.table}.{each.column}",
        kind=CheckKind.RECOUNT,
        passed=passed,
        blocking=True,
        what=f"{most} of the people are singled out by {each.points} of their dates"
        if passed
        else f"more than {most.removeprefix('at most ')} of the people are singled out by {each.points} of their dates",
        rule="APPI-24",
        measured={"uniqueness": share, "error": error, "records": records},
    )


def _counted(connection: Any, points: int, records: int) -> float:
    """Return the mean share of combinations that no other person has, all counted."""
    sums = 0.0
    for size in range(1, points + 1):
        labels = ", ".join(f"l{n}" for n in range(size))
        whose = "n.points >= ?" if size == points else "n.points = ?"
        found = connection.execute(
            f"""
            WITH all_of AS ({_combined(size)}),
                 alone AS (SELECT {labels} FROM all_of GROUP BY {labels} HAVING COUNT(DISTINCT unit) = 1)
            SELECT n.points, COUNT(*)
            FROM all_of JOIN alone USING ({labels}) JOIN lengths AS n ON n.id = all_of.id
            WHERE {whose} GROUP BY n.points
            """,
            [size],
        ).fetchall()
        sums += sum(int(times) / math.comb(int(length), size) for length, times in found)
    return sums / records


def _tried(connection: Any, points: int) -> float:
    """Return the share of tries, some for each of some records, whose points no other person has."""
    found = connection.execute(
        f"""
        WITH chosen AS (SELECT id FROM lengths ORDER BY hash(id) LIMIT {SAMPLED_RECORDS}),
             drawn AS (
               SELECT i.id, t.turn, i.label, i.unit,
                 ROW_NUMBER() OVER (PARTITION BY i.id, t.turn ORDER BY hash(i.label, t.turn, i.id)) AS place
               FROM items AS i JOIN chosen USING (id) CROSS JOIN range({TRIES}) AS t(turn)
             ),
             tries AS (SELECT d.*, LEAST(n.points, ?) AS known FROM drawn AS d JOIN lengths AS n USING (id) WHERE place <= ?),
             holders AS (
               SELECT t.id, t.turn, i.unit FROM tries AS t JOIN items AS i ON i.label = t.label
               GROUP BY t.id, t.turn, i.id, i.unit HAVING COUNT(*) = MAX(t.known)
             )
        SELECT AVG(CASE WHEN people = 1 THEN 1.0 ELSE 0.0 END)
        FROM (SELECT id, turn, COUNT(DISTINCT unit) AS people FROM holders GROUP BY id, turn)
        """,
        [points, points],
    ).fetchall()
    return float(found[0][0] or 0.0)
