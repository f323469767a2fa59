"""Rows made ready for the engine's grid: binned on public edges, or cut to the contributions that a person may make.

Everything here is row-wise, or decided by one person's rows alone through a keyed hash, so that no other person's rows
change when one is removed. The bounds themselves are enforced afterwards by `bounding`. An expression holds the key's
digest: it must not be logged.
"""

import hashlib
import hmac
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa

from anonymization.dp.query_plan import QueryPlan, Units
from policies.errors import PolicyError
from policies.model.method import PublicKeys

PERSON = "__person"
RECORD = "__record"
_SEPARATOR = "\x1f"


def with_columns(rows: Any, query: QueryPlan, columns: Sequence[str]) -> Any:
    """Return `rows` if it has all `columns`.

    Raises:
        PolicyError: A column of the query is not in the table.
    """
    missing = [name for name in (PERSON, *columns) if name not in rows.columns]
    if missing:
        raise PolicyError(
            "dp.unknown-column",
            what=f"query '{query.name}' uses columns that table '{query.table}' has not: {', '.join(missing)}",
            why="cells are counted on the treated output columns",
            fix="name output columns of the release's table",
        )
    return rows


def with_bin(rows: Any, value: str, edges: Sequence[Decimal], *, label: str, clamp: bool) -> Any:
    """Add the number of the bin that `value` falls in, as text; rows without a value or outside all bins are dropped.

    Bins are closed below and open above, the last closed on both sides. With `clamp`, values beyond the outer edges
    count in the outer bins.
    """
    numbers = [float(edge) for edge in edges]
    above = [*numbers[1:-1], math.nextafter(numbers[-1], math.inf)]
    rows = rows.mutate(__value=rows[value].cast("float64"))
    rows = rows.filter(rows["__value"].notnull() & ~rows["__value"].isnan())
    if clamp:
        rows = rows.mutate(__value=ibis.greatest(ibis.least(rows["__value"], numbers[-1]), numbers[0]))
    bins = ibis.memtable(
        pa.table(
            {
                label: pa.array([str(place) for place in range(len(above))], pa.string()),
                "__from": pa.array(numbers[:-1], pa.float64()),
                "__to": pa.array(above, pa.float64()),
            }
        )
    )
    placed = rows.inner_join(bins, [rows["__value"] >= bins["__from"], rows["__value"] < bins["__to"]])
    return placed.drop("__value", "__from", "__to")


def among_keys(rows: Any, by: Sequence[PublicKeys]) -> Any:
    """Keep the rows whose grouping values are all declared; others count in no cell and use up no bound."""
    for key in by:
        rows = rows.filter(rows[key.column].cast("string").isin(list(key.values)))
    return rows


def whole_units(value: Any, units: Units) -> Any:
    """Return a value as whole units from the center of its public range, clipped; null where there is none."""
    low, high = float(units.low * units.grid), float(units.high * units.grid)
    number = value.cast("float64")
    number = number.isnan().ifelse(ibis.null("float64"), number)
    # `least` and `greatest` of some engines pass over nulls: a missing value must stay missing.
    inside = number.isnull().ifelse(ibis.null("float64"), ibis.greatest(ibis.least(number, high), low))
    whole = (inside / float(units.grid)).round().cast("int64")
    bounded = ibis.greatest(ibis.least(whole, units.high), units.low) - units.center
    return whole.isnull().ifelse(ibis.null("int64"), bounded)


def first_contributions(
    rows: Any, by: Sequence[PublicKeys], contents: Sequence[str], *, cells: int, per_cell: int, subkey: str
) -> Any:
    """Keep of each person the first `per_cell` rows in each group of `by`, and the first `cells` groups, by keyed hash.

    `contents` names the columns that tell a person's rows apart; rows equal in them are interchangeable.
    """
    group = [rows[key.column].cast("string") for key in by]
    what = [rows[name].cast("string") for name in contents]
    rows = rows.mutate(
        __group=_keyed(subkey, "cell", rows[PERSON].cast("string"), *group),
        __order=_keyed(subkey, "row", rows[PERSON].cast("string"), *group, *what),
    )
    in_group = ibis.window(group_by=[PERSON, "__group"], order_by=["__order"])
    ranked = rows.mutate(__rank=ibis.row_number().over(in_group))
    ranked = ranked.filter(ranked["__rank"] < per_cell)
    of_person = ibis.window(group_by=[PERSON], order_by=["__group"])
    ranked = ranked.mutate(__place=ibis.dense_rank().over(of_person))
    ranked = ranked.filter(ranked["__place"] < cells)
    return ranked.drop("__group", "__order", "__rank", "__place")


def subkey_of(key: bytes, query: QueryPlan) -> str:
    """Derive the text that keys a query's choices; as secret as `key`."""
    return hmac.new(key, f"niji/dp/prepare/v1/{query.name}".encode(), hashlib.sha256).hexdigest()


def _keyed(subkey: str, purpose: str, *parts: Any) -> Any:
    text: Any = ibis.literal(f"{subkey}{_SEPARATOR}{purpose}")
    for part in parts:
        text = text + ibis.literal(_SEPARATOR) + part.fill_null("")
    return text.hexdigest("sha256")
