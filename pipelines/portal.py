"""The portal's process: the catalog's web app on this machine's loopback address."""

import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import uvicorn

from catalog.audit import AuditLog
from catalog.desk import Desk
from catalog.question_desk import QuestionDesk
from catalog.question_store import QuestionStore
from catalog.store import CatalogStore
from catalog.web.app import Portal, create_app
from catalog.web.questions import Questions
from pipelines.question_plans import LedgerForesight
from pipelines.settings import ledger_place

HOST = "127.0.0.1"


def serve(home: Path, port: int) -> None:
    """Serve the portal of a home until the process is told to stop; requests are not logged."""
    uvicorn.run(portal_of(home), host=HOST, port=port, log_level="warning", access_log=False)


def today_in_japan() -> date:
    """Return the day it is where the permits are given."""
    return datetime.now(ZoneInfo("Asia/Tokyo")).date()


def portal_of(home: Path, *, today: Callable[[], date] = today_in_japan) -> Portal:
    """Return the portal of a home: it reads what was published, and takes questions; `today` says whether permits hold."""
    store, place = CatalogStore.open(home / "catalog.sqlite"), ledger_place(home)
    desk = Desk(store, AuditLog.open(home / "audit.sqlite"))
    questions = Questions(
        desk=QuestionDesk(desk, QuestionStore.open(home / "catalog.sqlite")),
        foresee=LedgerForesight(place),
        today=today,
    )
    return create_app(store, released=home / "zones" / "released", ledger=place, questions=questions)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
