"""The independent recount of what classes tell about sensitive columns: each model in SQL, by its paper's definition.

Works on the tables `published` and, for models that compare a class with the whole table, `source`, of a connection of
its own; shares no code with the criteria that the search judges by. A missing value is no value for the l-models and for
α, and a value of its own for the rest. Not here: who is counted, labels, rows (`recount`).
"""

from collections.abc import Sequence
from typing import Any

from anonymization.evidence import CheckKind, CheckResult
from anonymization.hierarchy import Hierarchy
from anonymization.recount_sql import as_written, quoted, register
from anonymization.sensitive_models import AskedModel, TreeCloseness, record_of, unplaced
from policies.errors import PolicyError
from policies.model.sensitive import (
    Closeness,
    Disclosure,
    DistinctL,
    EntropyL,
    Likeness,
    PositiveRecursiveL,
    RecursiveL,
    SensitiveModel,
    ValueShare,
    key_of,
)

TOLERANCE = 1e-8
"""Shares are quotients in double precision; a difference below this is none. Wider than that of the search."""

_NAMES = {"distinct_l": "l", "t_closeness": "t", "alpha_share": "alpha", "beta_likeness": "beta"}
_SHOWN_DIGITS = 6


def check_name(model: AskedModel) -> str:
    """Return the name of a model's check: `recount.l.COLUMN`, `recount.t_closeness_ordered.COLUMN`, ..."""
    record = record_of(model)
    key = key_of(record)
    return f"recount.{_NAMES.get(key, key)}.{record.column}"


def check_sensitive(connection: Any, keys: Sequence[str], model: AskedModel, *, has_source: bool) -> CheckResult:
    """Recount one model over the published classes.

    Args:
        connection: Holds `published` and, where `has_source`, `source` with the sensitive column.
        keys: The quasi-identifiers; nulls compare equal.
        model: The model, a hierarchical distance with its hierarchy.
        has_source: Whether the table before suppression is there.

    Returns:
        A blocking check. `measured` holds what the worst class reaches, and how many classes fail.

    Raises:
        PolicyError: `policy.recount-without-source`: the model compares classes with the whole table, which is not there.
    """
    record = record_of(model)
    _make_cells(connection, keys, record.column)
    if isinstance(record, Closeness | Likeness | Disclosure):
        if not has_source:
            raise _no_source(record)
        _make_whole(connection, record.column)
    # A figure is null where the class can meet no setting of the model at all.
    measure, fails, limits = _statements(connection, model)
    worst = "MIN" if isinstance(record, DistinctL | EntropyL) else "MAX"
    reached, hopeless, failed = connection.execute(
        f"""
        SELECT {worst}(figure), COUNT(*) FILTER (WHERE figure IS NULL), COUNT(*) FILTER (WHERE figure IS NULL OR {fails})
        FROM ({measure})
        """,
        limits,
    ).fetchall()[0]
    return _result(model, reached=None if hopeless or reached is None else float(reached), failed=int(failed))


def reached_of(models: Sequence[AskedModel], checks: Sequence[CheckResult]) -> list[dict[str, object]]:
    """Return for each model what the worst class reaches, as its check measured it; evidence of a release."""
    by_name = {check.name: check.measured for check in checks}
    return [
        {"model": record_of(model).model, "column": model.column, **by_name.get(check_name(model), {})}
        for model in models
    ]


def _result(model: AskedModel, *, reached: float | None, failed: int) -> CheckResult:
    record = record_of(model)
    figure = {"distinct_l": "l", "entropy_l": "l", "recursive_l": "c", "positive_recursive_l": "c"}.get(
        record.model, _NAMES.get(record.model, "delta")
    )
    shown: float | int | None = reached
    if reached is not None:
        shown = int(reached) if isinstance(record, DistinctL) else round(reached, _SHOWN_DIGITS)
    promise = _promise(record)
    return CheckResult(
        name=check_name(model),
        kind=CheckKind.RECOUNT,
        passed=failed == 0,
        blocking=True,
        what=f"every class {promise}" if failed == 0 else f"{failed} classes fail: not every class {promise}",
        measured={figure: shown, f"classes_below_{figure}" if figure == "l" else "classes_failing": failed},
    )


def _promise(model: SensitiveModel) -> str:
    column = f"'{model.column}'"
    match model:
        case DistinctL():
            found = f"holds at least {model.l} values of {column}"
        case EntropyL():
            found = f"has values of {column} as even as {model.l:g} equally frequent ones"
        case RecursiveL():
            found = f"is ({model.c:g}, {model.l})-diverse in {column}"
        case PositiveRecursiveL():
            found = f"is ({model.c:g}, {model.l})-diverse in the protected values of {column}"
        case ValueShare():
            found = f"holds no value of {column} in more than {model.alpha:g} of its rows"
        case Closeness():
            found = f"is within {model.t:g} of the table in {column} ({model.distance} distance)"
        case Likeness():
            found = f"keeps the gain of every value of {column} to {model.beta:g}"
        case Disclosure():
            found = f"keeps every value of {column} within {model.delta:g} of its share in the table"
    return found


def _make_cells(connection: Any, keys: Sequence[str], column: str) -> None:
    """Make `cells`: a row for each class and each value in it, null too, with its rows `n`."""
    names = ", ".join(quoted(key) for key in keys)
    value = as_written(connection, "published", column, alias="published")
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE cells AS
        WITH counted AS (SELECT {names}, {value} AS "value of", COUNT(*) AS "rows of" FROM published GROUP BY ALL)
        SELECT DENSE_RANK() OVER (ORDER BY {names}) AS class, "value of" AS value, "rows of" AS n FROM counted
        """
    )


def _make_whole(connection: Any, column: str) -> None:
    """Make `compared`: each class with each value of the whole table, its share p there and its share q in the table."""
    value = as_written(connection, "source", column, alias="source")
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE compared AS
        WITH whole AS (SELECT {value} AS value, COUNT(*) AS n FROM source GROUP BY ALL),
             shares AS (SELECT value, n / (SELECT SUM(n) FROM whole) AS q FROM whole),
             sizes AS (SELECT class, SUM(n) AS rows FROM cells GROUP BY class),
             pairs AS (SELECT class, rows, value, q FROM sizes CROSS JOIN shares)
        SELECT pairs.class, pairs.value, COALESCE(cells.n, 0) / pairs.rows AS p, pairs.q
        FROM pairs LEFT JOIN cells ON cells.class = pairs.class AND cells.value IS NOT DISTINCT FROM pairs.value
        UNION ALL
        SELECT cells.class, cells.value, cells.n / sizes.rows, 0
        FROM cells JOIN sizes ON sizes.class = cells.class
        WHERE NOT EXISTS (SELECT 1 FROM shares WHERE shares.value IS NOT DISTINCT FROM cells.value)
        """
    )


def _statements(connection: Any, model: AskedModel) -> tuple[str, str, list[float]]:
    """Return the SQL that measures each class, the condition under which it fails, and the numbers bound to both."""
    if isinstance(model, TreeCloseness):
        _load_tree(connection, model.hierarchy, model.column)
        return _TREE, "figure > ?", [model.model.t + TOLERANCE]
    if isinstance(model, Closeness):
        return _closeness(connection, model), "figure > ?", [model.t + TOLERANCE]
    if isinstance(model, ValueShare | Likeness | Disclosure):
        return _of_shares(model)
    return _of_diversity(connection, model)


def _of_diversity(
    connection: Any, model: DistinctL | EntropyL | RecursiveL | PositiveRecursiveL
) -> tuple[str, str, list[float]]:
    match model:
        case DistinctL():
            return _DISTINCT, "figure < ?", [model.l]
        case EntropyL():
            return _ENTROPY, "figure < ?", [model.l * (1 - TOLERANCE)]
        case RecursiveL():
            return _RECURSIVE, "NOT first < ? * tail", [model.c, model.l]
        case PositiveRecursiveL():
            _load_values(connection, "disclosable", model.disclosable)
            return _POSITIVE, "first > 0 AND NOT first < ? * tail", [model.c, *[model.l] * 4]


def _of_shares(model: ValueShare | Likeness | Disclosure) -> tuple[str, str, list[float]]:
    match model:
        case ValueShare():
            return _ALPHA, "figure > ?", [model.alpha + TOLERANCE]
        case Likeness():
            return _BETA_ENHANCED if model.enhanced else _BETA, "figure > ?", [model.beta + TOLERANCE]
        case Disclosure():
            return _DELTA, "figure >= ?", [model.delta]


_DISTINCT = "SELECT class, COUNT(value) AS figure FROM cells GROUP BY class"

# H = ln N - (1/N) Σ n ln n; the figure is e^H, which is l for l equally frequent values.
_ENTROPY = """
    SELECT class,
           COALESCE(EXP(LN(SUM(n) FILTER (WHERE value IS NOT NULL))
                        - SUM(n * LN(n)) FILTER (WHERE value IS NOT NULL) / SUM(n) FILTER (WHERE value IS NOT NULL)),
                    0) AS figure
    FROM cells GROUP BY class
"""

# r1 < c * (r_l + ... + r_m): the figure is r1 / (r_l + ... + r_m), null below l values.
_RECURSIVE = """
    WITH ranked AS (SELECT class, n, value, ROW_NUMBER() OVER (PARTITION BY class ORDER BY value IS NULL, n DESC) AS place
                    FROM cells),
         ends AS (SELECT class, COALESCE(MAX(n) FILTER (WHERE value IS NOT NULL), 0) AS first,
                         COALESCE(SUM(n) FILTER (WHERE value IS NOT NULL AND place >= ?), 0) AS tail
                  FROM ranked GROUP BY class)
    SELECT class, first, tail, first / NULLIF(tail, 0) AS figure FROM ends
"""

# y: the place of the most frequent value that may not become known. r_y < c * (r_l + ...) if y is below l, and else
# r_y < c * (r_(l-1) + ... without r_y). The figure is r_y over the sum, 0 where no value is protected, null where the sum is 0.
_POSITIVE = """
    WITH ranked AS (SELECT class, n, value IN (SELECT value FROM disclosable) AS is_open,
                           ROW_NUMBER() OVER (PARTITION BY class ORDER BY n DESC) AS place
                    FROM cells WHERE value IS NOT NULL),
         leads AS (SELECT class, MIN(place) AS y FROM ranked WHERE NOT is_open GROUP BY class),
         ends AS (SELECT leads.class, MAX(n) FILTER (WHERE place = y) AS first,
                         COALESCE(SUM(n) FILTER (WHERE y <= ? - 1 AND place >= ?
                                                 OR y >= ? AND place >= ? - 1 AND place <> y), 0) AS tail
                  FROM leads JOIN ranked ON ranked.class = leads.class GROUP BY leads.class)
    SELECT classes.class, COALESCE(first, 0) AS first, COALESCE(tail, 0) AS tail,
           CASE WHEN first IS NULL THEN 0 ELSE first / NULLIF(tail, 0) END AS figure
    FROM (SELECT DISTINCT class FROM cells) AS classes LEFT JOIN ends ON ends.class = classes.class
"""

_ALPHA = """
    SELECT class, COALESCE(MAX(n) FILTER (WHERE value IS NOT NULL), 0) / SUM(n) AS figure FROM cells GROUP BY class
"""

_BETA = """
    SELECT class, CASE WHEN bool_or(q = 0) THEN NULL ELSE MAX((p - q) / NULLIF(q, 0)) END AS figure
    FROM compared GROUP BY class
"""

_BETA_ENHANCED = f"""
    SELECT class,
           CASE WHEN bool_or(q = 0 OR (p - q) / NULLIF(q, 0) > -LN(NULLIF(q, 0)) + {TOLERANCE!r}) THEN NULL
                ELSE MAX((p - q) / NULLIF(q, 0)) END AS figure
    FROM compared GROUP BY class
"""

_DELTA = """
    SELECT class, CASE WHEN bool_or(p = 0 OR q = 0) THEN NULL ELSE MAX(ABS(LN(p / NULLIF(q, 0)))) END AS figure
    FROM compared GROUP BY class
"""

_EQUAL = "SELECT class, SUM(ABS(p - q)) / 2 AS figure FROM compared GROUP BY class"

# The mean over the gaps of the order of the mass that must cross them, and half of what a missing value has too much: it
# hangs half a unit off the middle. Where the middle is in a gap, its mass crosses the half of that gap behind it.
_ORDERED = """
    WITH ends AS (SELECT MIN(place) AS first, MAX(place) AS last FROM places),
         missing AS (SELECT class, COALESCE(SUM(p - q) FILTER (WHERE value IS NULL), 0) AS d FROM compared GROUP BY class),
         placed AS (SELECT missing.class, missing.d, places.place, COALESCE(compared.p - compared.q, 0) AS e
                    FROM missing CROSS JOIN places
                    LEFT JOIN compared ON compared.class = missing.class AND compared.value = places.value),
         running AS (SELECT class, d, place, SUM(e) OVER (PARTITION BY class ORDER BY place) AS c FROM placed),
         crossing AS (SELECT class, d,
                             CASE WHEN place = last THEN 0
                                  WHEN 2 * place + 1 = first + last THEN (ABS(c) + ABS(c + d)) / 2
                                  WHEN 2 * place + 1 < first + last THEN ABS(c)
                                  ELSE ABS(c + d) END AS moved
                      FROM running CROSS JOIN ends)
    SELECT class, COALESCE(SUM(moved) / NULLIF(COUNT(*) - 1, 0), 0) + ABS(MAX(d)) / 2 AS figure
    FROM crossing GROUP BY class
"""

# Of every inner node: its height over the tree's, times the lesser of what its children have too much and too little.
_TREE = """
    WITH children AS (SELECT class, tree.height, tree.parent, tree.child, SUM(p - q) AS extra
                      FROM compared JOIN tree ON tree.value IS NOT DISTINCT FROM compared.value
                      GROUP BY class, tree.height, tree.parent, tree.child),
         nodes AS (SELECT class, height, parent,
                          LEAST(COALESCE(SUM(extra) FILTER (WHERE extra > 0), 0),
                                COALESCE(-SUM(extra) FILTER (WHERE extra < 0), 0)) AS moved
                   FROM children GROUP BY class, height, parent)
    SELECT class, SUM(height * moved) / (SELECT MAX(height) FROM tree) AS figure FROM nodes GROUP BY class
"""


def _closeness(connection: Any, model: Closeness) -> str:
    if model.hierarchy is not None:
        raise unplaced(model)
    if model.order is None:
        return _EQUAL
    if isinstance(model.order, tuple):
        _load_places(connection, model.order)
    else:
        connection.execute(
            """
            CREATE OR REPLACE TABLE places AS
            SELECT value, ROW_NUMBER() OVER (ORDER BY CAST(value AS DOUBLE)) AS place
            FROM (SELECT DISTINCT value FROM compared) WHERE value IS NOT NULL AND TRY_CAST(value AS DOUBLE) IS NOT NULL
            """
        )
    _require_places(connection, "places", model.column)
    return _ORDERED


def _load_places(connection: Any, order: Sequence[str]) -> None:
    import pyarrow as pa

    places = pa.array(range(len(order)), pa.int64())
    register(connection, "places", pa.table({"value": pa.array(order, pa.string()), "place": places}))


def _load_values(connection: Any, name: str, values: Sequence[str]) -> None:
    import pyarrow as pa

    register(connection, name, pa.table({"value": pa.array(values, pa.string())}))


def _load_tree(connection: Any, hierarchy: Hierarchy, column: str) -> None:
    """Make `tree`: for each value and height the node there and the child on its way; a missing value is the root's."""
    import pyarrow as pa

    texts = connection.execute("SELECT DISTINCT value FROM compared WHERE value IS NOT NULL").fetchall()
    grown = hierarchy.for_values(row[0] for row in texts)
    top = grown.height - 1
    rows = [
        (value, height, f"{height - 1}:{grown.labels[height - 1][leaf]}", f"{height}:{grown.labels[height][leaf]}")
        for leaf, value in enumerate(grown.leaves)
        for height in range(1, top + 1)
    ]
    rows.append((None, top, "missing", f"{top}:{grown.labels[top][0]}"))  # type: ignore[arg-type]  # null is the value
    columns = ("value", "height", "child", "parent")
    types = (pa.string(), pa.int64(), pa.string(), pa.string())
    table = pa.table(
        {
            name: pa.array([row[i] for row in rows], kind)
            for i, (name, kind) in enumerate(zip(columns, types, strict=True))
        }
    )
    register(connection, "tree", table)
    _require_places(connection, "tree", column)


def _require_places(connection: Any, name: str, column: str) -> None:
    strange = connection.execute(
        f"""
        SELECT COUNT(DISTINCT value) FROM compared
        WHERE value IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {name} WHERE {name}.value = compared.value)
        """
    ).fetchall()[0][0]
    if strange:
        raise PolicyError(
            "policy.recount-without-place",
            what=f"{int(strange)} values of '{column}' have no place in the order or hierarchy of the distance",
            why="how far they are from others cannot be counted",
            fix="add them to the order or the hierarchy",
        )


def _no_source(model: SensitiveModel) -> PolicyError:
    return PolicyError(
        "policy.recount-without-source",
        what=f"the {model.model} of '{model.column}' was to be recounted without the table before suppression",
        why="the model compares each class with the distribution of the whole table",
        fix="pass the rows that the release was made from",
    )
