"""Work that is done once for all workers of a test run, however its tests are shared out among them."""

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")


def one_run(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> tuple[Path, Made]:
    """Return a folder and what `make` left there; the first worker makes it, the others wait and read its result.

    Args:
        factory: pytest's own.
        name: A name that no other call of this test run has.
        make: Fills the folder, and returns what can be pickled.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / f"one-run-{name}"
    folder.mkdir(exist_ok=True)
    result = folder / "result"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.exists():
            made = make(folder)
            result.write_bytes(pickle.dumps(made))
        return folder, pickle.loads(result.read_bytes())
