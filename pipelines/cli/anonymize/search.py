"""Recode the table that was asked for, and recount what came of it."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.anonymize import local
from pipelines.cli.anonymize.engine import rows_on
from pipelines.cli.anonymize.settings import Settings
from pipelines.cli.anonymize.shown import progress_line
from pipelines.cli.anonymize.source import ROW
from pipelines.cli.anonymize.workspace import Encrypted, engine_errors
from policies.errors import IntegrityError

if TYPE_CHECKING:
    from anonymization.evidence import CheckResult
    from anonymization.generalize import Generalized, HowToSearch
    from anonymization.recoding.local import LocallyRecoded


def search(settings: Settings, *, how: "HowToSearch") -> tuple["Generalized | LocallyRecoded", Encrypted]:
    """Search, and keep the result's rows, with `ROW` and the person, in the workspace.

    They are sorted by what leaves, so that the order of the source says nothing.
    """
    from anonymization.generalize import generalize_table
    from anonymization.quasi import QuasiIdentifier
    from pipelines.engines import stream_rows

    source, space = settings.source, settings.space
    columns = list(dict.fromkeys([*settings.kept, *([settings.person] if settings.person else []), ROW]))
    asked: dict[str, Any] = {
        "quasi_identifiers": [QuasiIdentifier(name, item.hierarchy) for name, item in settings.hierarchies.items()],
        "k": settings.k,
        "sensitive": settings.sensitive.models,
        "suppression_limit": settings.suppression_limit,
        "person": settings.person,
    }
    result: Generalized | LocallyRecoded
    with engine_errors(source.head.path), rows_on(settings.engine, source, space) as lent:
        rows = lent.select(*columns)
        if settings.recoding is local.Recoding.LOCAL:
            how_local = local.how_to_recode(settings.effort, settings.free_cuts)
            result = local.recode(rows, **asked, how=how_local)
        else:
            with progress_line() as progress:
                result = generalize_table(rows, **asked, asked_risk=settings.risk.asked(), how=how, progress=progress)
        ordered = result.rows.order_by(list(settings.kept))
        with closing(stream_rows(ordered, spool=space.folder / "sorted")) as pieces:
            return result, space.write(pieces, ordered.schema().to_pyarrow())


def recounted(
    published: Encrypted, result: "Generalized | LocallyRecoded", settings: Settings
) -> tuple["CheckResult", ...]:
    """Count the rows that will leave anew, by an engine of its own that reads them and the source from their files.

    Raises:
        IntegrityError: The recount does not find what the search claims (`integrity.recount`).
    """
    from anonymization.generalize import Generalized
    from anonymization.recount import SourceRows, recount

    source = settings.source
    with engine_errors(source.head.path), settings.space.recounting(published, source.stored) as (after, before):
        checks = recount(
            after,
            quasi_identifiers=list(settings.hierarchies),
            k=settings.k,
            sensitive=settings.sensitive.models,
            person=settings.person,
            source=SourceRows(
                rows=before,
                row_id=ROW,
                hierarchies={name: item.hierarchy for name, item in settings.hierarchies.items()},
                levels=result.node if isinstance(result, Generalized) else None,
                free_cuts=settings.free_cuts,
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


def write_rows(published: Encrypted, settings: Settings, output: Path) -> None:
    """Put what leaves of the kept rows in place, whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    import pyarrow as pa

    from pipelines.cli.table_streams import OUTPUT_ROWS, write_table_pieces

    kept = list(settings.kept)
    write_table_pieces(
        published.pieces(kept, rows=OUTPUT_ROWS),
        output,
        schema=pa.schema([published.schema.field(name) for name in kept]),
        delimiter=settings.source.head.delimiter or ",",
    )
