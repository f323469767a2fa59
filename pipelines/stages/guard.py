"""The boundary of every asset: what people can mend passes, anything else becomes a coded error without its text.

Library errors quote values (Arrow, DuckDB, pydantic), and Dagster keeps errors in its event log for ever.
"""

import errno
import os
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from policies.errors import DataError, NijiError, Place

_Result = TypeVar("_Result")
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# On a full disk SQLite may fail while it makes room for its write-ahead log, too.
_SQLITE_NO_SPACE = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_SHMSIZE}
)


def guarded(work: Callable[[], _Result], *, where: str, failures: list[NijiError]) -> _Result:
    """Do some work; let only coded errors out.

    Args:
        work: One stage.
        where: The asset, for the error's place.
        failures: What stopped a stage is added to it.

    Raises:
        NijiError: What the work raised of that kind.
        DataError: `storage.no-space`, or `internal.unexpected` with the kind of error and the line of our code.
    """
    try:
        return _coded(work, where=where)
    except NijiError as error:
        failures.append(error)
        raise


def _coded(work: Callable[[], _Result], *, where: str) -> _Result:
    try:
        return work()
    except NijiError as error:
        # Whatever the error was made from stays here: its text may quote a value.
        error.__cause__ = None
        error.__suppress_context__ = True
        raise
    except Exception as error:  # noqa: BLE001 - the boundary; the text of the error must not pass
        raise coded(error, where=where) from None


def coded(error: Exception, *, where: str) -> DataError:
    """Return what may be said of an error that is not coded: a full disk, or its kind and the line of our code.

    Args:
        error: What a library raised. Nothing of its text is passed on.
        where: The asset or the command, for the error's place.
    """
    if _is_full_disk(error):
        return DataError(
            "storage.no-space",
            what="the disk is full",
            why="a stage is written whole or not at all; what was there before is as it was",
            fix="free space in the home, and run again",
            where=Place(where),
        )
    kind = type(error).__name__
    return _internal(kind if isinstance(error, MemoryError) else f"{kind} at {_our_line(error)}", where)


def _is_full_disk(error: BaseException | None) -> bool:
    # SQLAlchemy wraps what SQLite says, and Dagster wraps SQLAlchemy; DuckDB gives a text only.
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            return True
        if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) in _SQLITE_NO_SPACE:
            return True
        if os.strerror(errno.ENOSPC) in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _internal(kind: str, where: str) -> DataError:
    return DataError(
        "internal.unexpected",
        what=f"the stage stopped with {kind}",
        why="the error's own text may quote a value, and is not shown; nothing was published",
        fix="report this line with the code version; run again once it is mended",
        where=Place(where),
    )


def _our_line(error: Exception) -> str:
    line = "an unknown place"
    trace = error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.split(".")[0] in {"policies", "anonymization", "catalog", "pipelines"}:
            line = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return line
