"""Which of a list of public keys the most people have, and no number of them: a noisy maximum instead of noisy counts.

One person raises a count of people by one at most, in however many cells, and the choice is charged for that one (L∞) and not for
√K as counts are: where people are in many cells it finds the first key at far less noise. What is not published is how
many people the keys have and how far apart they are; `top` does that. For many ranks `top` is the better one, because a
choice is paid rank by rank; the plan says the error of both.

Why the cheaper, monotonic map of OpenDP holds: the cells are a sum over people of what each adds, 0 or 1 to each cell.
What a person adds is decided by that person's rows and a keyed hash of that person's own key and cells (`bounding`), and
nothing before that looks at two people at once. So with a person more every other person adds what they added before, no
cell falls, and none rises by more than one; with a person less it is the reverse.

Source: McSherry & Talwar, FOCS 2007; Durfee & Rogers, NeurIPS 2019; Cesar & Rogers, ALT 2021 (monotonic: half the range).
"""

import math
from statistics import NormalDist

import pyarrow as pa

from anonymization.dp.mechanism import MICRO
from anonymization.dp.queries.grid import key_columns
from anonymization.dp.queries.kind import BoundedCells, Columns, Kind, Noisy
from anonymization.dp.queries.top import first_of, ranked_frame
from anonymization.dp.query_plan import Expected, Frame, NoisePart, Quantity, QueryPlan
from anonymization.dp.selection import select, selection_error, selection_loss, selection_scale
from policies.model.method import DpQuery

_MOST = 1
"""How far one person raises a number of people."""


def _noise(query: DpQuery, frame: Frame, quantity: Quantity, rho_micro: int) -> NoisePart:
    count = first_of(query)
    scale = selection_scale(count=count, sensitivity=_MOST, rho_micro=rho_micro)
    return NoisePart(
        quantity=quantity,
        cell_bound=_MOST,
        sensitivity=float(_MOST),
        rho_micro=rho_micro,
        sigma=scale,
        loss_micro=math.ceil(selection_loss(scale, count=count, sensitivity=_MOST) * MICRO),
        error_95=selection_error(scale, candidates=frame.cells, count=count),
        mechanism="noisy_max",
    )


def top_falls_short(frame: Frame, *, count: int, sigma: float) -> float:
    """Return how far below the true number of its rank a key of `top` may lie in 95 of 100 cases, for all ranks at once.

    A key is ranked too high only if some key of the true first ones is overtaken by one that has so many fewer: one of
    `count` · (cells - 1) differences of two draws, each beyond with a chance of 0.05 by their number.
    """
    pairs = count * (frame.cells - 1)
    return math.sqrt(2) * sigma * NormalDist().inv_cdf(1 - 0.05 / max(pairs, 1)) if pairs else 0.0


def _expect(query: DpQuery, frame: Frame, parts: tuple[NoisePart, ...]) -> Expected:
    # What `top` would make of the same share and bounds: noise on every count, scaled to √K.
    sigma = math.sqrt(frame.cells_per_person * MICRO / (2 * parts[0].rho_micro))
    return Expected(
        parts[0].error_95,
        "how many people fewer than the best key left a chosen key has, for all ranks at once",
        instead=("top", top_falls_short(frame, count=first_of(query), sigma=sigma)),
    )


def _choose(query: QueryPlan, cells: BoundedCells) -> Noisy:
    (part,) = query.parts
    places = select(
        cells[part.quantity].tolist(),
        scale=part.sigma,
        count=first_of(query.question),
        sensitivity=part.cell_bound,
        rho_micro=part.rho_micro,
    )
    return {part.quantity: places}


def _answer(query: QueryPlan, noisy: Noisy) -> Columns:
    places = noisy["people"]
    chosen = pa.array(places, pa.int64())
    return {name: column.take(chosen) for name, column in key_columns(query.by).items()} | {
        "rank": pa.array(range(1, len(places) + 1), pa.int64()),
        "error_95": pa.array([query.error_95] * len(places), pa.float64()),
    }


MOST_FREQUENT = Kind(ranked_frame, _expect, _answer, draw=_choose, noise=_noise)
