"""An alternative: other parameters, what they protect and what they cost; and which of several no other beats."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from policies.errors import UsageError

Value = int | float | str
Parameters = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Alternative:
    """One choice of parameters for a release.

    `risk` is how far people are exposed and `cost` what is lost to those who use the data, both less is better; their
    meaning is the method's (`Axes`). Both are None where the release could not be made, and `why` says so by its code.
    `figures` are further figures by name. `is_current` marks the policy as it stands.
    """

    parameters: Parameters
    risk: float | None
    cost: float | None
    figures: Mapping[str, float | int | None] = field(default_factory=dict)
    why: str | None = None
    is_current: bool = False

    def as_json(self) -> dict[str, object]:
        """Return the alternative as plain JSON values."""
        return {
            "parameters": dict(self.parameters),
            "risk": self.risk,
            "cost": self.cost,
            **self.figures,
            "why": self.why,
            "current": self.is_current,
        }


def pareto(alternatives: Sequence[Alternative]) -> tuple[bool, ...]:
    """Return for each alternative whether no other is at least as good in both risk and cost and better in one."""
    return tuple(
        one.risk is not None
        and one.cost is not None
        and not any(_beats(other, one) for other in alternatives if other is not one)
        for one in alternatives
    )


def combinations(grid: Mapping[str, Sequence[Value]], *, current: Parameters, most: int = 400) -> list[Parameters]:
    """Return every combination of a grid, the current parameters first.

    Args:
        grid: The values to try, by parameter; a parameter that is not in it stays as it is.
        current: The parameters of the policy as it stands.
        most: How many combinations there may be.

    Raises:
        UsageError: `frontier.too-many`: the grid is larger than that.
    """
    size = math.prod(len(values) for values in grid.values())
    if size > most:
        raise UsageError(
            "frontier.too-many",
            what=f"the grid has {size} combinations, more than {most}",
            why="each of them is searched",
            fix="try fewer values, or fewer parameters at once",
        )
    tried = [{**current, **dict(zip(grid, values, strict=True))} for values in product(*grid.values())]
    return [dict(current), *(one for one in tried if one != dict(current))]


def _beats(other: Alternative, one: Alternative) -> bool:
    if other.risk is None or other.cost is None or one.risk is None or one.cost is None:
        return False
    return other.risk <= one.risk and other.cost <= one.cost and (other.risk, other.cost) != (one.risk, one.cost)
