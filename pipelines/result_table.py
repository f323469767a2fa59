"""The table at the end of a run: dataset, release, method, people, k or ε, loss, checks, catalog id."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from pipelines.run import ReleaseResult, RunReport


def result_table(report: RunReport) -> Table:
    """Return one line a release; a dash where a number does not exist or may not be shown."""
    table = Table(
        box=SIMPLE_HEAD,
        title="Published releases",
        caption="people pass the disclosure gate; - means none, or protected",
    )
    for heading, is_number in (
        ("dataset", False),
        ("release", False),
        ("method", False),
        ("people in", True),
        ("out", True),
        ("k or ε", True),
        ("loss", True),
        ("checks", True),
        ("catalog id", False),
    ):
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for release in report.releases:
        table.add_row(
            release.dataset,
            release.release,
            release.method,
            _count(release.people_in),
            _count(release.people_out),
            _guarantee(release),
            "-" if release.loss is None else f"{release.loss:.4f}",
            f"{release.checks - release.checks_failed}/{release.checks}",
            release.catalog_id,
        )
    return table


def _count(people: int | None) -> str:
    return "-" if people is None else f"{people:,}"


def _guarantee(release: ReleaseResult) -> str:
    if release.k is not None:
        return f"k={release.k}"
    return f"ε={release.epsilon:.3g}" if release.epsilon is not None else "-"
