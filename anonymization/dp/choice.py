"""Which cells of a person count where the person is in more than may: one law, for any engine, order or partition.

A person in n cells, more than the bound K, keeps those whose place p among the person's own cells, in grid order from 0,
has (a·p + r) mod n < K. The prime a and the turn r come from one SHA-256 over a secret and the person. Because a does not
divide n the map is one-to-one, so exactly K cells are kept; because r is uniform each is kept with chance K/n, so no cell
is favored; because a and r are keyed nobody can foresee which. One digest a person is enough, and nothing is sorted.

Belongs here: the law, and the two ways to follow it: over pairs of person and cell, and over sets of cells as bits. Does
not: which rows fall in which cell, and what is counted (see `bounding`). An expression holds the secret: not to be logged.

Source: systematic sampling from a random start (Madow & Madow, Ann. Math. Stat. 15, 1944), after a keyed shuffle by the
prime; bounds by one person's rows alone after Wilson et al., PoPETs 2020(2).
"""

from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa

LAW = "keyed_hash_v2"
"""The name that evidence has for the law; another law gets another name."""
WORD_BITS = 63
"""Cells of one whole number; the sign is not used."""
MAX_WORDS = 16
_SEPARATOR = "\x1f"
_HEX = "0123456789abcdef"
_TURN_DIGITS = 8
"""Hexadecimal digits of the turn; taken modulo n, no turn is likelier than another by more than n in four billion."""
_STEPS = (
    1000003, 1061033, 1122041, 1183057, 1244057, 1305061, 1366087, 1427089,
    1488119, 1549129, 1610131, 1671133, 1732139, 1793147, 1854157, 1915163,
)  # fmt: skip
"""Larger than any number of cells (`plan.MAX_CELLS`), and so coprime to it: a step visits each place once."""


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]  # Ibis ships no types; the engine's own function
def bit_or(value: dt.int64) -> dt.int64:
    """Return the bits set in any value; Ibis knows it on DuckDB only."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]  # Ibis ships no types; the engine's own function
def bit_count(value: dt.int64) -> dt.int8:
    """Return the number of bits set."""


def keyed(subkey: str, purpose: str, *parts: Any) -> Any:
    """Return the SHA-256 of texts under a secret prefix, as an expression in hexadecimal digits.

    Only choices are made by it and no digest leaves the engine, so a keyed prefix is enough: nobody can extend it.
    """
    text: Any = ibis.literal(f"{subkey}{_SEPARATOR}{purpose}")
    for part in parts:
        text = text + ibis.literal(_SEPARATOR) + part
    return text.hexdigest("sha256")


def fits_in_bits(cells: int) -> bool:
    """Tell whether a person's set of cells is small enough to be held as bits."""
    return cells <= WORD_BITS * MAX_WORDS


def kept_pairs(pairs: ibis.Table, *, limit: int, subkey: str) -> ibis.Table:
    """Keep at most `limit` cells of each person; who is in few enough keeps them all, unhashed.

    Args:
        pairs: `person`, `cell` (int) and what was counted of them; each pair once.
        limit: Cells that one person may be in.
        subkey: Secret of the choice.
    """
    counted = pairs.group_by("person").agg(held=pairs.count())
    many = _turned(counted.filter(counted["held"] > limit), limit=limit, subkey=subkey)
    crowded = pairs.inner_join(many, "person")
    place = ibis.row_number().over(ibis.window(group_by="person", order_by="cell"))
    crowded = crowded.mutate(turned=(place * crowded["step"] + crowded["turn"]) % crowded["held"])
    return pairs.anti_join(many, "person").union(crowded.filter(crowded["turned"] < limit).select(*pairs.columns))


def people_by_bits(placed: ibis.Table, *, cells: int, limit: int, subkey: str) -> ibis.Table:
    """Count the people of each cell, each in at most `limit` cells; rows are grouped once, by person, into sets of bits.

    The same choice as `kept_pairs` makes of the distinct pairs, for less: a group a person, not one a pair.

    Args:
        placed: `person` and `cell` (int, from 0) of each countable row; a pair may repeat.
        cells: Cells of the grid; see `fits_in_bits`.
        limit: Cells that one person may be in.
        subkey: Secret of the choice.

    Returns:
        `cell` and `people` of the cells that are not empty.
    """
    bits = ibis.memtable(_bits_table(cells))
    masked = placed.inner_join(bits, placed["cell"] == bits["place"]).select("person", "word", "mask")
    words = [f"word{number}" for number in range(-(-cells // WORD_BITS))]
    people = masked.group_by("person").agg(
        **{name: bit_or((masked["word"] == number).ifelse(masked["mask"], 0)) for number, name in enumerate(words)}
    )
    people = people.mutate(held=_total([people[name] for name in words]))
    pieces = _pieces(_turned(people, limit=limit, subkey=subkey), words)
    # Equal sets are spread over their cells once: most people are in few cells, and many in the same.
    equal = pieces.group_by(list(pieces.columns)).agg(people=pieces.count())
    spots = ibis.memtable(_bits_table(cells))
    spread = equal.inner_join(spots, [equal["piece"] == spots["word"], (equal["held_cells"] & spots["mask"]) != 0])
    place = spread["before"] + _ones(spread["held_cells"] & (spread["mask"] - 1))
    # Kept in the sum and not in a filter, which the engine would try on each spot of each set.
    kept = (place * spread["step"] + spread["turn"]) % spread["held"] < limit
    spread = spread.mutate(people=kept.ifelse(spread["people"], 0)).rename(cell="place")
    return spread.group_by("cell").agg(people=spread["people"].sum())


def _turned(people: ibis.Table, *, limit: int, subkey: str) -> ibis.Table:
    """Give each person step and turn; who is in no more than `limit` cells gets such that all are kept."""
    is_many = people["held"] > limit
    text = keyed(subkey, "cells", people["person"].cast("string"))
    people = people.mutate(digest=is_many.ifelse(text, ibis.null("string")))
    is_many, digest = people["held"] > limit, people["digest"]
    # Divided digit by digit: some engines find places in text as whole numbers of 32 bits, and refuse what is larger.
    turn: Any = _digit(digest, 1) % people["held"]
    for place in range(2, 1 + _TURN_DIGITS):
        turn = (turn * 16 + _digit(digest, place)) % people["held"]
    return people.mutate(
        step=is_many.ifelse(ibis.array(list(_STEPS))[_digit(digest, 0)].cast("int64"), 0),
        turn=is_many.ifelse(turn, 0),
        held=is_many.ifelse(people["held"], 1),
    ).drop("digest")


def _digit(digest: Any, place: int) -> Any:
    return ibis.literal(_HEX).find(digest.substr(place, 1))


def _pieces(people: ibis.Table, words: list[str]) -> ibis.Table:
    """Lay the words of each person below each other, without those that are empty, and with the cells before each."""
    is_many = people["step"] != 0
    rows = [
        ibis.struct(
            {
                "piece": ibis.literal(number, "int8"),
                "held_cells": people[name],
                "before": is_many.ifelse(_total([people[each] for each in words[:number]]), ibis.literal(0, "int64")),
            }
        )
        for number, name in enumerate(words)
    ]
    laid = people.select("held", "step", "turn", row=ibis.array(rows).unnest())
    row = laid["row"]
    pieces = laid.select("held", "step", "turn", piece=row["piece"], held_cells=row["held_cells"], before=row["before"])
    return pieces.filter(pieces["held_cells"] != 0)


def _total(words: list[Any]) -> Any:
    total: Any = ibis.literal(0, "int64")
    for word in words:
        total = total + _ones(word)
    return total


def _ones(word: Any) -> Any:
    return bit_count(word).cast("int64")


def _bits_table(cells: int) -> pa.Table:
    places = range(cells)
    return pa.table(
        {
            "place": pa.array(places, pa.int32()),
            "word": pa.array([place // WORD_BITS for place in places], pa.int8()),
            "mask": pa.array([1 << place % WORD_BITS for place in places], pa.int64()),
        }
    )
