"""Recode the table that was asked for, and recount what came of it."""

from typing import TYPE_CHECKING, Any

from pipelines.cli.anonymize import local
from pipelines.cli.anonymize.engine import rows_on
from pipelines.cli.anonymize.settings import ROW, Settings, numbered, source_rows
from pipelines.cli.anonymize.shown import progress_line
from policies.errors import IntegrityError

if TYPE_CHECKING:
    import pyarrow as pa

    from anonymization.evidence import CheckResult
    from anonymization.generalize import Generalized, HowToSearch
    from anonymization.recoding.local import LocallyRecoded


def search(settings: Settings, *, how: "HowToSearch") -> tuple["Generalized | LocallyRecoded", "pa.Table"]:
    """Search, and return the result with its rows; they are sorted, so that the order of the source says nothing."""
    from anonymization.generalize import generalize_table
    from anonymization.quasi import QuasiIdentifier

    source = source_rows(settings.read.table, settings.kept, settings.person)
    asked: dict[str, Any] = {
        "quasi_identifiers": [QuasiIdentifier(name, item.hierarchy) for name, item in settings.hierarchies.items()],
        "k": settings.k,
        "sensitive": settings.sensitive.models,
        "suppression_limit": settings.suppression_limit,
        "person": settings.person,
    }
    result: Generalized | LocallyRecoded
    with rows_on(settings.engine, source, beside=settings.folder) as rows:
        if settings.recoding is local.Recoding.LOCAL:
            result = local.recode(rows, **asked, effort=settings.effort)
        else:
            with progress_line() as progress:
                result = generalize_table(rows, **asked, asked_risk=settings.risk.asked(), how=how, progress=progress)
        return result, result.rows.order_by(list(settings.kept)).to_pyarrow()


def recounted(
    published: "pa.Table", result: "Generalized | LocallyRecoded", settings: Settings
) -> tuple["CheckResult", ...]:
    """Count the published rows anew.

    Raises:
        IntegrityError: The recount does not find what the search claims (`integrity.recount`).
    """
    import ibis

    from anonymization.generalize import Generalized
    from anonymization.recount import SourceRows, recount

    checks = recount(
        ibis.memtable(published),
        quasi_identifiers=list(settings.hierarchies),
        k=settings.k,
        sensitive=settings.sensitive.models,
        person=settings.person,
        source=SourceRows(
            rows=ibis.memtable(numbered(settings.read.table, [*settings.hierarchies, *settings.sensitive.columns])),
            row_id=ROW,
            hierarchies={name: item.hierarchy for name, item in settings.hierarchies.items()},
            levels=result.node if isinstance(result, Generalized) else None,
        ),
        asked_risk=settings.risk.asked(),
    )
    failed = [check for check in checks if not check.passed]
    if failed:
        raise IntegrityError(
            "integrity.recount",
            what="; ".join(check.what for check in failed),
            why="the independent recount does not find what the search claims, so nothing is written",
            fix="report this with the version and the settings; the table must not be released",
        )
    return checks
