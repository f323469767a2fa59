"""The portal's process: the catalog's web app on this machine's loopback address."""

import sys
from pathlib import Path

import uvicorn

from catalog.store import CatalogStore
from catalog.web.app import create_app
from pipelines.settings import ledger_place

HOST = "127.0.0.1"


def serve(home: Path, port: int) -> None:
    """Serve the portal of a home until the process is told to stop; requests are not logged."""
    store = CatalogStore.open(home / "catalog.sqlite")
    app = create_app(store, released=home / "zones" / "released", ledger=ledger_place(home))
    uvicorn.run(app, host=HOST, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
