"""Controlled rounding of a two-way table of counts: cells and margins are rounded, and still add up.

Source: Cox, A constructive procedure for unbiased controlled rounding, JASA 82(398):520–524, 1987.
"""

from typing import TypeAlias

import numpy as np

from anonymization.evidence import Statement
from anonymization.perturbation.arrays import Bools, Ints, refused
from anonymization.perturbation.randomness import Draws

GUARANTEE = Statement(
    ja="セル、行計、列計、総計はすべて{base}の倍数で、互いに足し合い、元の値との差は{base}未満、期待値は元の値に等しい。",
    en="Cells, margins and the total are multiples of {base}, add up, are less than {base} from the original, and equal it on"
    " average.",
)
NOT_GUARANTEED = Statement(
    ja="公表済みの他の表との突合や、同じ表を丸め直して繰り返し公表することには耐えない。",
    en="No protection against other published tables of the same people, nor against the same table rounded again and again.",
)

_Place: TypeAlias = tuple[int, int]


def round_table(table: Ints, *, base: int, draws: Draws) -> Ints:
    """Round the cells of a table of counts to neighboring multiples so that all margins are rounded to neighbors, too.

    The margins of the result are its sums. Cells move along closed ways of cells that are no multiples yet, up and down by
    turns, by lot in proportion to how far each direction leads; every turn settles a cell.

    Args:
        table: R times C counts, at least 0.
        base: The base, 2 or more.
        draws: Where chance is from.

    Returns:
        The rounded table.

    Raises:
        UsageError: No table of two dimensions, a negative count, or a base below 2.
    """
    if base < 2 or table.ndim != 2 or table.min(initial=0) < 0:
        raise refused(
            "controlled rounding is asked with a base below 2, or not for a two-way table of counts",
            why="it moves counts between neighboring multiples",
            fix="give a table of counts and a base such as 3, 5 or 10",
        )
    # A slack row and column hold the negated margins: now every line adds up to zero, and rounding rounds margins, too.
    wide = np.zeros((table.shape[0] + 1, table.shape[1] + 1), dtype=np.int64)
    wide[:-1, :-1] = table
    wide[:-1, -1] = -table.sum(axis=1)
    wide[-1, :] = -wide[:-1].sum(axis=0)
    while True:
        loose = wide % base != 0
        if not loose.any():
            return wide[:-1, :-1]
        way = _closed_way(loose)
        ups, downs = way[::2], way[1::2]
        # The farthest that the way can be moved either way before a cell reaches a multiple.
        up = min([base - wide[place] % base for place in ups] + [wide[place] % base for place in downs])
        down = min([wide[place] % base for place in ups] + [base - wide[place] % base for place in downs])
        step = int(up) if draws.below(int(up + down)) < down else -int(down)
        for place in ups:
            wide[place] += step
        for place in downs:
            wide[place] -= step


def _closed_way(loose: Bools) -> list[_Place]:
    """Return cells that are no multiples, by turns in one row and in one column, that lead back to the first.

    There always is one: a line that adds up to zero does not have just one cell that is no multiple.
    """
    axis, line, last = 0, int(np.flatnonzero(loose.any(axis=1))[0]), -1
    seen: dict[_Place, int] = {}
    way: list[_Place] = []
    while (axis, line) not in seen:
        seen[axis, line] = len(way)
        crossing = np.flatnonzero(loose[line] if axis == 0 else loose[:, line])
        other = int(crossing[crossing != last][0])
        way.append((line, other) if axis == 0 else (other, line))
        axis, line, last = 1 - axis, other, line
    return way[seen[axis, line] :]
