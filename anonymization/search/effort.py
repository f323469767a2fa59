"""How much a search may cost before it ends with a gap instead of a proof."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """What may be spent on a search; without a limit it ends with its proof.

    `most_checks` makes the answer the same on every run. `is_over` is asked after each check, for limits of time: who
    calls holds the clock. A search does not end before it has a release to show, or knows that there is none.
    """

    most_checks: int | None = None
    is_over: Callable[[], bool] | None = None

    def is_spent(self, checks: int) -> bool:
        """Return whether a search that made so many checks should end."""
        if self.most_checks is not None and checks >= self.most_checks:
            return True
        return self.is_over is not None and self.is_over()


UNLIMITED = Effort()
