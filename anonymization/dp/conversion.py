"""Between (ε, δ) and ρ: the largest loss whose ε, by OpenDP's own conversion, is not above the one that was meant.

Accounts are in ρ; people think in ε. Converted once, for planning and display. What is planned and published is converted
by OpenDP (`mechanism.epsilon_of`); a page of accounts must not wait seconds for OpenDP to load, and has the same formula here.
"""

import math
from decimal import Decimal

from anonymization.dp.mechanism import MICRO, epsilon_of
from policies.errors import PolicyError

MOST_MICRO = MICRO
"""One release may lose at most ρ = 1, as the policy's form says; at δ = 1e-6 that is an ε above 8."""
MOST_DELTA = Decimal("0.001")
_GOLDEN = (math.sqrt(5) - 1) / 2
_STEPS = 100


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


def epsilon_shown(rho_micro: int, *, delta: Decimal) -> float:
    """Return the ε at `delta` of a loss of `rho_micro` micro-ρ, rounded up to four digits; OpenDP is not loaded.

    Every order α of the bound gives a true ε, so a search that ended early would show too much, never too little.

    Source: Canonne, Kamath, Steinke, NeurIPS 2020, proposition 7, as `mechanism.epsilon_of`.
    """
    if rho_micro == 0:
        return 0.0
    rho, log_delta = rho_micro / MICRO, math.log(float(delta))

    def epsilon(log_beyond_one: float) -> float:
        beyond = math.exp(log_beyond_one)  # α - 1
        order = beyond + 1
        return order * rho + (order * math.log(beyond / order) - log_delta - log_beyond_one) / beyond

    low, high = math.log(1e-3), math.log(1e9)
    for _ in range(_STEPS):
        width = (high - low) * _GOLDEN
        low, high = (low, low + width) if epsilon(high - width) < epsilon(low + width) else (high - width, high)
    return max(0, math.ceil(epsilon(low) * 10_000 * (1 + 1e-12))) / 10_000


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
