"""Code people in the engine: one row a person, every column as its place in the public domain. Raw results, restricted zone.

Which row of a person with several counts is chosen by a keyed hash of that row alone, as in `dp.bounding`.
"""

import hashlib
import hmac
from typing import Any

import ibis
import numpy as np

from anonymization.dp.bounding import MIN_KEY_BYTES, PERSON, TreatedRows
from anonymization.dp.synthetic.domain import Category, Codes, Column, Domain
from anonymization.dp.synthetic.tree import Clique
from policies.errors import DataError, PolicyError

_SEPARATOR = "\x1f"


def people_codes(table: TreatedRows, domain: Domain, *, key: bytes) -> Codes:
    """Return one coded row a person, N x columns, in no stated order.

    Null, NaN, values that are not declared and numbers outside the bins get the column's last code. Of a person with
    several rows the first by keyed hash counts. 8 bytes a person and column are held in memory.

    Args:
        table: Treated rows with `__person`.
        domain: The public domain; checked before.
        key: Secret, at least 16 bytes; never shown.

    Raises:
        PolicyError: A column is missing, a binned column holds no numbers, or the key is too short.
        DataError: A row names no person, or the engine failed.

    Guarantee: adding or removing one person with all rows adds or removes one row of the answer, and changes no other.
    Not guaranteed: anything before noise is drawn.
    """
    if len(key) < MIN_KEY_BYTES:
        raise PolicyError(
            "dp.weak-key",
            what=f"the key that chooses contributions is shorter than {MIN_KEY_BYTES} bytes",
            why="who can guess the key can predict which rows count",
            fix="take the key from the key store",
        )
    _check_columns(table.rows, domain)
    subkey = hmac.new(key, b"niji/dp/synthetic/v1", hashlib.sha256).hexdigest()
    try:
        nameless = int(table.rows.filter(table.rows[PERSON].isnull()).count().to_pyarrow().as_py())
        found = None if nameless else _chosen(table.rows, domain, subkey).to_pyarrow()
    except Exception:  # noqa: BLE001 - an engine's own error may quote values, or the expression with its key
        raise DataError(
            "dp.engine-failed",
            what="the engine could not code the people of the synthetic table",
            why="its own message may quote data, so it is not repeated here",
            fix="check that the columns can be read and that the engine has memory and disk",
        ) from None
    if found is None:
        raise DataError(
            "dp.row-without-person",
            what=f"{nameless} rows name no person",
            why="contributions are bounded per person; rows of nobody would all count as one",
            fix="refuse rows without a person key at ingest",
        )
    places = range(len(domain.columns))
    return np.stack([found[f"code{place}"].to_numpy() for place in places], axis=1).astype(np.int64)


def count_cells(codes: Codes, clique: Clique, domain: Domain) -> list[int]:
    """Count coded rows in each cell of a clique, the last column fastest."""
    sizes = [domain.sizes[place] for place in clique]
    cells = np.ravel_multi_index([codes[:, place] for place in clique], sizes)
    return [int(count) for count in np.bincount(cells, minlength=int(np.prod(sizes)))]


def _check_columns(rows: ibis.Table, domain: Domain) -> None:
    missing = [name for name in (PERSON, *domain.names) if name not in rows.columns]
    texts = [
        column.column
        for column in domain.columns
        if column.column not in missing
        and not isinstance(column, Category)
        and not rows[column.column].type().is_numeric()
    ]
    if missing or texts:
        raise PolicyError(
            "dp.unknown-column",
            what=f"columns that the table has not: {', '.join(missing)}; binned but no numbers: {', '.join(texts)}",
            why="synthetic people are made from treated output columns; bins are of numbers",
            fix="name output columns of the table, and give texts declared values",
        )


def _chosen(rows: ibis.Table, domain: Domain, subkey: str) -> ibis.Table:
    codes = {f"code{place}": _code(rows[column.column], column) for place, column in enumerate(domain.columns)}
    coded = rows.select(person=rows[PERSON].cast("string"), **codes)
    text: Any = ibis.literal(f"{subkey}{_SEPARATOR}row{_SEPARATOR}") + coded["person"]
    for name in codes:
        text = text + ibis.literal(_SEPARATOR) + coded[name].cast("string")
    ranked = coded.mutate(order=text.hexdigest("sha256"))
    window = ibis.window(group_by=["person"], order_by=["order"])
    ranked = ranked.mutate(rank=ibis.row_number().over(window))
    return ranked.filter(ranked["rank"] == 0).select(*codes)


def _code(value: Any, column: Column) -> Any:
    last = len(column.labels) - 1
    if isinstance(column, Category):
        pairs = [(known, ibis.literal(place, "int64")) for place, known in enumerate(column.values)]
        return value.cast("string").cases(*pairs, else_=ibis.literal(last, "int64"))
    number = value.cast("float64")
    inside = number.notnull() & ~number.isnan()
    if not column.is_clipped:
        inside = inside & (number >= float(column.edges[0])) & (number < float(column.edges[-1]))
    reached: Any = ibis.literal(0, "int64")
    for edge in column.edges[1:-1]:
        reached = reached + (number >= float(edge)).cast("int64")
    return inside.ifelse(reached, ibis.literal(last, "int64"))
