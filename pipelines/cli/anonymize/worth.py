"""`niji anonymize --utility`, `--weights`, `--metric`: what is to be least, and what the release is still worth."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipelines.cli.anonymize.settings import Settings
from pipelines.cli.anonymize.source import ROW
from pipelines.cli.anonymize.spend import Spend
from pipelines.cli.anonymize.workspace import Encrypted
from policies.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from anonymization.generalize import Generalized, HowToSearch
    from anonymization.recoding.local import LocallyRecoded


class Mean(StrEnum):
    """How the losses of the columns become one number."""

    GEOMETRIC = "geometric"
    ARITHMETIC = "arithmetic"


@dataclass(frozen=True, slots=True)
class Worth:
    """What the search makes least, and whether and by what the result is measured."""

    mean: Mean = Mean.GEOMETRIC
    weights: dict[str, float] = field(default_factory=dict)
    is_measured: bool = False
    target: str | None = None

    def how(self, spend: Spend) -> "HowToSearch":
        """Return what the engine is told."""
        from anonymization import loss
        from anonymization.generalize import HowToSearch

        return HowToSearch(loss.Metric(loss.Mean(self.mean.value), self.weights), spend.effort())


def read_worth(
    metric: Mean, weights: Sequence[str] | None, *, utility: bool, target: str | None, is_local: bool
) -> Worth:
    """Return what the options ask for.

    Raises:
        UsageError: A weight that is none or said twice, a target without --utility, weights with local recoding.
    """
    said = [_weight(text) for text in weights or ()]
    read = dict(said)
    if len(read) != len(said):
        raise UsageError(
            "usage.weights",
            what="--weights names a column twice",
            why="two weights for one column would be one too many",
            fix="write each column once",
        )
    if is_local and (read or metric is not Mean.GEOMETRIC):
        raise UsageError(
            "usage.metric",
            what="--metric or --weights is given with --recoding local",
            why="local recoding makes the cost of single rows least, each column alike",
            fix="leave it out, or use --recoding global",
        )
    if target is not None and not utility:
        raise UsageError(
            "usage.target",
            what="--target is given without --utility",
            why="it names the column whose prediction is scored",
            fix="add --utility",
        )
    return Worth(metric, read, utility, target)


def _weight(text: str) -> tuple[str, float]:
    column, _, number = text.rpartition("=")
    try:
        if column:
            return column, float(number)
    except ValueError:
        pass
    raise UsageError(
        "usage.weights",
        what="--weights is not of the form COLUMN=NUMBER",
        why="a weight says how much one quasi-identifier matters, 1 where none is given",
        fix="write for example --weights age=2",
    )


def measured(result: "Generalized | LocallyRecoded", published: Encrypted, settings: Settings, worth: Worth) -> Any:
    """Return every measure of the release as `Utility`."""
    from anonymization.generalize import Generalized
    from anonymization.quasi import QuasiIdentifier
    from anonymization.utility.compared import compare_tables
    from anonymization.utility.report import measure_utility

    target = worth.target
    quasi = [QuasiIdentifier(name, item.hierarchy) for name, item in settings.hierarchies.items()]
    columns = list(dict.fromkeys([*settings.hierarchies, *([target] if target else [])]))
    compared = compare_tables(
        settings.source.rows.select(*columns, ROW),
        settings.space.table(published),
        row_id=ROW,
        # A target that is a quasi-identifier itself would foretell itself.
        quasi_identifiers=[one for one in quasi if one.column != target],
        levels=result.node if isinstance(result, Generalized) else None,
        person=settings.person,
        target=target,
    )
    return measure_utility(
        compared, k=settings.k, weights={name: number for name, number in worth.weights.items() if name != target}
    )


def show_utility(found: Any, console: "Console") -> None:
    """Print the measures that are read first; all of them are in the evidence."""
    from rich.table import Table

    shown = Table(title="Utility, rows counted; a missing value is a category of its own")
    shown.add_column("measure")
    shown.add_column("value", justify="right")
    shown.add_column("in words")
    queries, size = found.queries, found.average_class_size
    rows = [
        ("precision", f"{found.precision:.4f}", "1 nothing generalized, 0 everything"),
        ("loss, arithmetic", f"{found.arithmetic_loss:.4f}", "0 nothing lost, 1 everything"),
        (
            "class size",
            f"{size.rows:,.1f}",
            f"rows on average; {size.normalized or 0:,.1f} times the people that k asks for",
        ),
        (
            "discernibility",
            f"{found.discernibility:,}",
            f"{found.normalized_discernibility:.4f} of the way to one class",
        ),
        ("ambiguity", f"{found.ambiguity:,.4g}", "combinations that a row may stand for"),
        ("divergence", f"{found.divergence_bits:.3f}", "bits between the release and the source (Kullback-Leibler)"),
        (
            "query error",
            f"{queries.median:.4f}",
            f"median of {queries.queries:,} count queries; mean {queries.mean:.4f}",
        ),
    ]
    if found.association_error is not None:
        rows.append(("association error", f"{found.association_error:.4f}", "of pairs of columns, on average"))
    if found.prediction is not None:
        scored = found.prediction
        rows.append(
            (
                "prediction",
                f"{scored.release:.4f}",
                f"right; source {scored.source:.4f}, always the commonest {scored.zero_r:.4f}",
            )
        )
    for row in rows:
        shown.add_row(*row)
    console.print(shown)
    columns = Table()
    for head in ("quasi-identifier", "granularity", "intensity", "entropy lost", "marginal error"):
        columns.add_column(head, justify="left" if head == "quasi-identifier" else "right")
    for column, share in found.granularity.items():
        columns.add_row(
            column,
            f"{share:.4f}",
            f"{found.generalization_intensity[column]:.4f}",
            f"{found.nonuniform_entropy[column]:.4f}",
            f"{found.marginals.one_way[column]:.4f}",
        )
    console.print(columns)
