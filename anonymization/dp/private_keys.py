"""Counts by keys that nobody listed: bounded over the combinations that are there, drawn, and named above a threshold.

A public grid names every cell, so an empty one tells nothing; here the names themselves come from the data, and a cell is
named only if its noisy count lies above a threshold that one person passes with a chance of at most δ. What is not named
means nothing. Belongs here: cells by their key texts and the table that is published. Does not: scale and threshold
(`threshold`, planned in `plan`), bounds on a grid (`bounding`).

Source: Korolova, Kenthapadi, Mishra, Ntoulas, WWW 2009; Wilson et al., PoPETs 2020(2) (bounds of one person).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import pyarrow as pa

from anonymization.dp.bounding import PERSON, TreatedRows, engine_cells
from anonymization.dp.choice import keyed
from anonymization.dp.cohort import cohort_rows
from anonymization.dp.queries.counts import count_columns
from anonymization.dp.queries.prepare import among_keys
from anonymization.dp.query_plan import QueryPlan, asked_with
from anonymization.dp.threshold import draw_present

_SEPARATOR = "\x1f"
"""Stands between the texts of one cell; a text that holds it counts nowhere, so that no two cells have one name."""


@dataclass(frozen=True, slots=True)
class PresentCells:
    """The cells that hold someone, by number, with their key texts; raw results that stay in the restricted zone.

    Cells are numbered in the order of their texts, so that nothing in what is drawn follows the order of storage.
    """

    counts: Mapping[int, int] = field(repr=False)
    keys: Sequence[tuple[str, ...]] = field(repr=False)


def present_cells(table: TreatedRows, query: QueryPlan, *, key: bytes) -> PresentCells:
    """Count people or rows in the combinations of keys that are there, after bounding each person's contribution.

    A row counts only if every public key is a declared one and every private key is a text of at most its `max_length`
    characters; null counts in no cell, and nothing is cut. Of a person's cells the first `query.cells_per_person` by keyed
    hash count, in each at most `query.rows_per_person_per_cell` rows.

    Args:
        table: Treated rows.
        query: The plan of a query with private keys.
        key: Secret, at least 16 bytes; the same key gives the same choice. Never shown.

    Raises:
        PolicyError: A column of the query is not in the table, or the key is too short.
        DataError: A row names no person, or the engine could not compute the cells.

    Guarantee: adding or removing one person changes at most `cells_per_person` cells, each by at most the `cell_bound` of
        its part, whatever that person's rows are; no other person's choice changes. A cell of nobody is not there.
    Not guaranteed: anything before noise is drawn; which cells are there is itself a raw result.
    """
    rows = cohort_rows(table.rows, query)
    found = engine_cells(rows, query, key, _cells_expression)
    counted = dict(zip(found["cell"].to_pylist(), found["count"].to_pylist(), strict=True))
    names = sorted(counted)
    return PresentCells(
        counts={place: int(counted[name]) for place, name in enumerate(names)},
        keys=tuple(tuple(name.split(_SEPARATOR)) for name in names),
    )


def named_table(query: QueryPlan, cells: PresentCells) -> pa.Table:
    """Draw the noise of the cells that are there, once, and lay out those above the threshold, by their texts.

    Returns:
        Public keys, private keys (strings), `noisy`, `value`, `error_95`, sorted by the texts of the keys.

    Raises:
        PolicyError: The mechanism would lose more than planned; nothing was drawn.
    """
    noisy = draw_present(cells.counts, asked_with(query.threshold, query.name))
    named = [cells.keys[place] for place in noisy]
    texts = {
        column: pa.array([name[index] for name in named], pa.string()) for index, column in enumerate(_columns(query))
    }
    return pa.table(texts | count_columns(query, list(noisy.values())))


def _cells_expression(rows: ibis.Table, query: QueryPlan, subkey: str) -> ibis.Table:
    placed = _placed(rows, query)
    pairs = placed.group_by("person", "cell").agg(rows=placed.count())
    bound = 1 if query.statistic == "people" else query.rows_per_person_per_cell
    pairs = pairs.mutate(rows=ibis.least(pairs["rows"], bound))
    kept = _first_cells(pairs, limit=query.cells_per_person, subkey=subkey)
    return kept.group_by("cell").agg(count=kept["rows"].sum().cast("int64"))


def _placed(rows: ibis.Table, query: QueryPlan) -> ibis.Table:
    """Give each countable row the texts of its keys as its cell; rows without one are gone."""
    rows = among_keys(rows, query.by)
    for key in query.private:
        text = rows[key.column].cast("string")
        rows = rows.filter(text.notnull() & (text.length() <= key.max_length) & ~text.contains(_SEPARATOR))
    texts = [rows[name].cast("string") for name in _columns(query)]
    cell: Any = texts[0]
    for text in texts[1:]:
        cell = cell + ibis.literal(_SEPARATOR) + text
    person = rows[PERSON]
    # Whole numbers are grouped as they are, which is faster; for everything else its text is the person.
    return rows.select(person=person if person.type().is_integer() else person.cast("string"), cell=cell)


def _columns(query: QueryPlan) -> tuple[str, ...]:
    return (*(key.column for key in query.by), *(key.column for key in query.private))


def _first_cells(pairs: ibis.Table, *, limit: int, subkey: str) -> ibis.Table:
    """Keep the first cells of each person by keyed hash of their texts; who is in few enough keeps them all, unhashed.

    The grid's law (`choice`) counts on the number of its cells; a person may be in any number of these.
    """
    counted = pairs.group_by("person").agg(held=pairs.count())
    many = counted.filter(counted["held"] > limit).select("person")
    crowded = pairs.semi_join(many, "person")
    crowded = crowded.mutate(order=keyed(subkey, "private", crowded["person"].cast("string"), crowded["cell"]))
    window = ibis.window(group_by="person", order_by=["order", "cell"])
    ranked = crowded.mutate(rank=ibis.row_number().over(window))
    return pairs.anti_join(many, "person").union(ranked.filter(ranked["rank"] < limit).select(*pairs.columns))
