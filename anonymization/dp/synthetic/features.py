"""Features of a person from the rows of other tables, laid beside the person's own row; raw results, restricted zone.

Each is decided by that person's rows alone (how many, the least, the greatest, whether a code), so a person who comes or goes
changes nobody else's. Bounds are put on last, by the public edges of `people`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis

from anonymization.dp.bounding import PERSON, TreatedRows
from policies.errors import DataError, PolicyError
from policies.model.synthetic import HAS, DpSynthetic, Feature


@dataclass(frozen=True, slots=True)
class Featured:
    """Treated rows with a column more for each declared feature."""

    rows: ibis.Table = field(repr=False)


def with_features(
    treated: Mapping[str, TreatedRows], method: DpSynthetic, *, years: frozenset[str] = frozenset()
) -> Featured:
    """Lay the declared features of each person beside their rows of the method's table; rows of others are not looked at.

    Args:
        treated: Treated tables by name, with `__person`.
        method: The table, and the columns with their features.
        years: Columns of the table that are texts of years, to be binned as numbers.

    Returns:
        The rows of `method.table`; where a person has none in another table, `rows` and `distinct` are 0, `has` is no, and the
        others are null.

    Raises:
        PolicyError: A table or column is missing.
        DataError: A row of a table that features are made of names no person, or the engine failed.

    Guarantee: removing a person with all rows removes that person's rows of the answer and changes no other.
    """
    base = _table(treated, method.table)
    texts = {name: _number(base[name]) for name in years if name in base.columns}
    base = base.mutate(**texts) if texts else base
    wanted: dict[str, list[tuple[str, Feature]]] = {}
    for column in method.columns:
        if column.feature is not None:
            if column.column in base.columns:
                raise _refused(f"the feature '{column.column}' has the name of a column", "give it another name")
            wanted.setdefault(column.feature.table, []).append((column.column, column.feature))
    for table, features in wanted.items():
        base = _joined(base, _of_people(_table(treated, table), features), features)
    return Featured(base)


def _table(treated: Mapping[str, TreatedRows], name: str) -> ibis.Table:
    if name not in treated:
        raise _refused(f"the release has no table '{name}'", "name a table of the release")
    return treated[name].rows


def _of_people(rows: ibis.Table, features: Sequence[tuple[str, Feature]]) -> ibis.Table:
    missing = [one.value for _, one in features if one.value is not None and one.value not in rows.columns]
    if PERSON not in rows.columns or missing:
        raise _refused("a feature is made of a column that its table has not", "name an output column of that table")
    try:
        has_nameless = bool(rows[PERSON].isnull().any().fill_null(False).to_pyarrow().as_py())
    except Exception:  # noqa: BLE001 - an engine's own error may quote values
        raise DataError(
            "dp.engine-failed",
            what="the engine could not read a table that features are made of",
            why="its own message may quote data, so it is not repeated here",
            fix="check that the table can be read and that the engine has memory and disk",
        ) from None
    if has_nameless:
        raise DataError(
            "dp.row-without-person",
            what="rows of a table that features are made of name no person",
            why="a feature is made of one person's rows; rows of nobody belong to none",
            fix="refuse rows without a person key at ingest",
        )
    return rows.group_by(PERSON).aggregate(**{name: _value(rows, one) for name, one in features})


def _value(rows: ibis.Table, feature: Feature) -> Any:
    column: Any = None if feature.value is None else rows[feature.value]
    match feature.of:
        case "distinct":
            return column.nunique()
        case "least":
            return _number(column).min()
        case "greatest":
            return _number(column).max()
        case "has":
            return column.cast("string").isin(list(feature.codes or ())).fill_null(False).any().ifelse(HAS[1], HAS[0])
        case _:
            return rows.count()


def _joined(base: ibis.Table, people: ibis.Table, features: Sequence[tuple[str, Feature]]) -> ibis.Table:
    own = "__person_of_features"
    found = base.left_join(people.rename({own: PERSON}), base[PERSON] == people.rename({own: PERSON})[own])
    absent = {name: {"rows": 0, "distinct": 0, "has": HAS[0]}.get(one.of) for name, one in features}
    filled = {name: found[name].fill_null(value) for name, value in absent.items() if value is not None}
    return found.mutate(**filled).drop(own)


def _number(column: Any) -> Any:
    # A year after `truncate_date` is a text; what cannot be read as a number is missing.
    return column.try_cast("float64") if column.type().is_string() else column.cast("float64")


def _refused(what: str, fix: str) -> PolicyError:
    return PolicyError(
        "dp.synthetic-feature",
        what=what,
        why="a feature is made of the treated rows that its policy names",
        fix=fix,
    )
