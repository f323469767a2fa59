"""`niji anonymize --recoding local`: what local recoding is told, and what is said of its result."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from policies.errors import UsageError

if TYPE_CHECKING:
    import ibis
    from rich.console import Console

    from anonymization.quasi import QuasiIdentifier
    from anonymization.recoding.local import LocallyRecoded, LocalProgress, LocalSettings, Progress
    from anonymization.sensitive_models import AskedModel
    from policies.model.risk_models import RiskModel

PLAIN_STEP = 25
"""Without a terminal, progress is one line every so many steps."""

NOT_GUARANTEED = (
    "counts by label are not counts by value, because one column holds labels of different levels; "
    "nor is there protection against who argues from how the classes were chosen (minimality attack)"
)


class Recoding(StrEnum):
    """Whether a quasi-identifier has one level for the whole table, or one for each class."""

    GLOBAL = "global"
    LOCAL = "local"


def require_no_risk_models(recoding: Recoding, models: Sequence["RiskModel"]) -> None:
    """Refuse models of who could be found where each class has labels of its own.

    Raises:
        UsageError: `usage.risk-local`.
    """
    if recoding is Recoding.LOCAL and models:
        raise UsageError(
            "usage.risk-local",
            what="--risk is given with --recoding local",
            why="with labels of several levels in a column, the population's people belong to no one class",
            fix="use --recoding global",
        )


def require_recoding(
    recoding: Recoding, *, effort: int | None, free_cuts: Sequence[str] = (), utility: bool = False
) -> None:
    """Refuse an effort where nothing is improved, and free cuts where there are none.

    Raises:
        UsageError: `usage.effort`; `usage.free-cuts`.
    """
    if free_cuts and recoding is not Recoding.LOCAL:
        raise UsageError(
            "usage.free-cuts",
            what="--free-cuts is given without --recoding local",
            why="global recoding publishes one level of the hierarchy, the same for every class",
            fix="add --recoding local, or leave --free-cuts out",
        )
    if free_cuts and utility:
        raise UsageError(
            "usage.free-cuts",
            what="--utility is given beside --free-cuts",
            why="utility is measured by the labels of the hierarchy, and free cuts are none",
            fix="leave one of them out",
        )
    if effort is not None and recoding is not Recoding.LOCAL:
        raise UsageError(
            "usage.effort",
            what="--effort is given without --recoding local",
            why="global recoding searches until the best is proven; only local recoding can spend more work",
            fix="add --recoding local, or leave --effort out",
        )


def how_to_recode(effort: int | None, free_cuts: tuple[str, ...]) -> "LocalSettings":
    """Return the settings of local recoding; no effort said is the usual one."""
    from anonymization.recoding.local import EFFORT, LocalSettings

    return LocalSettings(EFFORT if effort is None else effort, free_cuts=free_cuts)


def recode(
    rows: "ibis.Table",
    *,
    quasi_identifiers: Sequence["QuasiIdentifier"],
    k: int,
    sensitive: Sequence["AskedModel"],
    suppression_limit: float,
    person: str | None,
    how: "LocalSettings",
) -> "LocallyRecoded":
    """Recode a table locally and show how far it is on standard error."""
    from anonymization.recoding.local import recode_locally

    with _progress() as progress:
        return recode_locally(
            rows,
            quasi_identifiers=quasi_identifiers,
            k=k,
            sensitive=sensitive,
            suppression_limit=suppression_limit,
            person=person,
            settings=replace(how, progress=progress),
        )


def evidence_of(result: "LocallyRecoded") -> dict[str, Any]:
    """Return what only a locally recoded table has to say for itself."""
    from anonymization.recoding.local import ARITHMETIC_METRIC

    return {
        "recoding": Recoding.LOCAL.value,
        "loss": result.loss,
        "arithmetic_loss": result.arithmetic_loss,
        "metric": result.metric,
        "arithmetic_metric": ARITHMETIC_METRIC,
        "levels": {
            column: {str(level): rows for level, rows in found.items()} for column, found in result.levels.items()
        },
        "how": result.how.as_json(),
        "free_cuts": [] if result.how.free_cuts is None else list(result.how.free_cuts.columns),
        "not_guaranteed": NOT_GUARANTEED,
    }


def show(result: "LocallyRecoded", console: "Console") -> None:
    """Print how many rows of each quasi-identifier are at which level, and how the loss compares with global recoding."""
    from rich.table import Table

    shown = Table(title=f"Loss {result.loss:.6f} (arithmetic {result.arithmetic_loss:.6f})")
    shown.add_column("quasi-identifier")
    most = max(max(found) for found in result.levels.values())
    for level in range(most + 1):
        shown.add_column(f"rows at level {level}", justify="right")
    for column, found in result.levels.items():
        shown.add_row(column, *(f"{found[level]:,}" if level in found else "" for level in range(most + 1)))
    console.print(shown)
    how = result.how
    if how.free_cuts is not None:
        console.print(
            f"Free cuts on {', '.join(how.free_cuts.columns)}: "
            f"arithmetic loss {how.free_cuts.loss_before:.6f} before, {how.free_cuts.improved_loss:.6f} now."
        )
    if how.is_global:
        console.print(
            "No local recoding was found that loses less than the best levels for the whole table; these are used."
        )
    elif how.node_loss is None:
        console.print(f"No choice of levels for the whole table loses less: proven with {how.node_checks:,} checks.")
    else:
        console.print(f"The best levels found for the whole table lose {how.node_loss:.6f}.")


@contextmanager
def _progress() -> Iterator["Progress"]:
    if not sys.stderr.isatty():
        steps = iter(range(1, sys.maxsize))

        def line(step: "LocalProgress") -> None:
            if next(steps) % PLAIN_STEP == 0:
                print(_words(step), file=sys.stderr)

        yield line
        return
    from rich.console import Console

    with Console(stderr=True).status("counting distinct tuples") as status:
        yield lambda step: status.update(_words(step))


def _words(step: "LocalProgress") -> str:
    loss = "" if step.loss is None else f", loss {step.loss:.6f}"
    left = f", {step.rows_left:,} rows in no class yet" if step.rows_left else ""
    return f"{step.step}{loss}{left}"
