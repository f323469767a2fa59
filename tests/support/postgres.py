"""A PostgreSQL cluster of a test session's own: made in a temporary folder, reached by its socket, stopped at the end."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine

_ACCOUNTS = ("postgres", "nobody")


def _program(name: str) -> str | None:
    """Find a program of the server: Debian keeps them off the path."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(kept[-1]) if kept else None)


@contextmanager
def cluster() -> Iterator[str]:
    """Yield the address of a database server; skip with a reason where there is none to start."""
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed on this machine")
    folder = Path(tempfile.mkdtemp(prefix="niji-pg-"))
    # The server refuses to run as root.
    account = None
    if os.getuid() == 0:
        known = {entry.pw_name for entry in pwd.getpwall()}
        account = next((name for name in _ACCOUNTS if name in known), None)
        if account is None:
            pytest.skip("PostgreSQL does not run as root, and there is no other account for it")
        shutil.chown(folder, account)
    data, log = folder / "data", folder / "log"

    def run(*words: str) -> None:
        subprocess.run(words, check=True, capture_output=True, cwd=folder, user=account, timeout=60)

    run(initdb, "-D", str(data), "-U", "niji", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
    options = f"-k {folder} -c listen_addresses='' -c synchronous_commit=off -c shared_buffers=16MB"
    run(pg_ctl, "-D", str(data), "-l", str(log), "-o", options, "-w", "start")
    try:
        yield f"postgresql://niji@/postgres?host={folder}"
    finally:
        run(pg_ctl, "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str) -> str:
    """Make an empty database on the server, and return its address."""
    name = f"niji_{uuid4().hex}"
    engine = create_engine(server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")
