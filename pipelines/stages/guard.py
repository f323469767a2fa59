"""The boundary of every asset: what people can mend passes, anything else becomes a coded error without its text.

Library errors quote values (Arrow, DuckDB, pydantic), and Dagster keeps errors in its event log for ever.
"""

import errno
from collections.abc import Callable
from typing import TypeVar

from policies.errors import DataError, NijiError, Place

_Result = TypeVar("_Result")


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
    except MemoryError:
        raise _internal("MemoryError", where) from None
    except Exception as error:  # noqa: BLE001 - the boundary; the text of the error must not pass
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DataError(
                "storage.no-space",
                what="the disk is full",
                why="a stage is written whole or not at all; what was there before is as it was",
                fix="free space in the home, and run again",
                where=Place(where),
            ) from None
        raise _internal(f"{type(error).__name__} at {_our_line(error)}", where) from None


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
