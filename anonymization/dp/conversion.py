"""From (ε, δ) to ρ: the largest loss whose ε, by OpenDP's own conversion, is not above the one that was meant.

Accounts are in ρ; people think in ε. Converted once, for planning and display. Not here: the other way (`mechanism`).
"""

from decimal import Decimal

from anonymization.dp.mechanism import MICRO, epsilon_of
from policies.errors import PolicyError

MOST_MICRO = MICRO
"""One release may lose at most ρ = 1, as the policy's form says; at δ = 1e-6 that is an ε above 8."""
MOST_DELTA = Decimal("0.001")


def rho_for(epsilon: Decimal, *, delta: Decimal, people: int | None = None) -> int:
    """Return the largest whole micro-ρ that is at most `epsilon` at `delta`.

    Args:
        epsilon: Above 0, and not above what one release may lose.
        delta: Above 0 and below 0.001, and below 1/n.
        people: A public number of people n, never counted from the data; None leaves the last condition out.

    Raises:
        PolicyError: `budget.epsilon`, `budget.epsilon-huge` or `budget.delta`.

    Source: Bun & Steinke 2016; Canonne, Kamath, Steinke 2020, proposition 7.
    """
    if not epsilon.is_finite() or epsilon <= 0:
        raise PolicyError(
            "budget.epsilon",
            what="an epsilon that is not a number above 0",
            why="a loss of nothing needs endless noise",
            fix="write, for example, --epsilon 0.5",
        )
    bound = MOST_DELTA if people is None else min(MOST_DELTA, 1 / Decimal(people))
    if not delta.is_finite() or not 0 < delta < bound:
        raise PolicyError(
            "budget.delta",
            what="a delta that is not between 0 and 0.001, or is 1/n or more",
            why="at delta = 1/n, publishing one whole record would keep the guarantee",
            fix="write a delta well below one in the public number of people, for example --delta 0.00000001",
        )
    low, high = 0, MOST_MICRO + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if Decimal(str(epsilon_of(middle, delta=delta))) <= epsilon else (low, middle)
    if low in {0, MOST_MICRO} and not _is_close(low, epsilon, delta):
        raise _out_of_range(is_huge=low == MOST_MICRO)
    return low


def _is_close(micro: int, epsilon: Decimal, delta: Decimal) -> bool:
    return micro > 0 and epsilon <= Decimal(str(epsilon_of(micro, delta=delta))) * Decimal("1.001")


def _out_of_range(*, is_huge: bool) -> PolicyError:
    if is_huge:
        return PolicyError(
            "budget.epsilon-huge",
            what="an epsilon above what one release may lose (rho 1)",
            why="at such a loss one person's data may be read off the numbers",
            fix="ask for less, or split the question over releases that are each approved",
        )
    return PolicyError(
        "budget.epsilon",
        what="an epsilon below one micro-rho",
        why="losses are accounted in whole micro-rho",
        fix="write a larger epsilon",
    )
