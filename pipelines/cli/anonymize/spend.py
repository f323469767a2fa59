"""`niji anonymize --checks`, `--seconds`: how much may be spent on the search, and what is said of a search that ended early."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.cli.anonymize.local import Recoding
from policies.errors import UsageError

if TYPE_CHECKING:
    from anonymization.search.effort import Effort


@dataclass(frozen=True, slots=True)
class Spend:
    """The most checks and seconds of a search; None for no limit."""

    checks: int | None = None
    seconds: float | None = None

    def effort(self) -> "Effort":
        """Return what the search is told; its seconds begin now."""
        from anonymization.search.effort import Effort

        if self.seconds is None:
            return Effort(self.checks)
        end = time.monotonic() + self.seconds
        return Effort(self.checks, lambda: time.monotonic() >= end)

    def evidence(self) -> dict[str, Any]:
        """Return the limits for the evidence; nothing where there are none."""
        given = {"checks": self.checks, "seconds": self.seconds}
        said = {name: most for name, most in given.items() if most is not None}
        return {"search_limit": said} if said else {}


def read_spend(checks: int | None, seconds: float | None, *, recoding: Recoding) -> Spend:
    """Return what may be spent.

    Raises:
        UsageError: `usage.effort`: with local recoding.
    """
    if recoding is Recoding.LOCAL and (checks is not None or seconds is not None):
        raise UsageError(
            "usage.effort",
            what="--checks or --seconds is given with --recoding local",
            why="they end the search for the best levels of the whole table early",
            fix="use --effort, which counts the comparisons of local recoding",
        )
    return Spend(checks, seconds)
