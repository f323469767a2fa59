"""The errors people read, and the exit code that each kind ends the command with.

    NijiError
    ├── UsageError        2   the command was called wrongly
    ├── PolicyError      10   a policy file is wrong, or forbids what was asked
    ├── DataError        11   the data are unreadable, or would break a guarantee
    ├── NotPermittedError 12  no permit, expired, revoked, wrong key
    ├── BudgetError      13   the privacy budget does not cover the request
    └── IntegrityError   14   something was altered: digest, signature, chain

Messages carry names, line numbers and counts; never a cell value, a key or an identifier.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How a command ended; stable, documented in the README."""

    DONE = 0
    USAGE = 2
    POLICY = 10
    DATA = 11
    NOT_PERMITTED = 12
    BUDGET = 13
    INTEGRITY = 14


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is wrong; lines and columns count from 1, 0 means "not known"."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.file:
            return ""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


class NijiError(Exception):
    """An error that a person can mend: says what, why, how to fix, and where.

    Args:
        code: Stable dotted name, for example `policy.unknown-column`.
        what: What is wrong, in one clause.
        why: Why it is refused.
        fix: What to do about it.
        where: The place, if there is one.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, code: str, *, what: str, why: str, fix: str, where: Place | None = None) -> None:
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
        self.where = where or Place()
        super().__init__(str(self))

    def __str__(self) -> str:
        head = f"{self.where}  {self.code}" if str(self.where) else self.code
        return f"{head}\nwhat: {self.what}\nwhy:  {self.why}\nfix:  {self.fix}"

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the fields when the error crosses a process (Dagster's executors)."""
        return (_rebuild, (type(self), self.code, self.what, self.why, self.fix, self.where))

    def as_json(self) -> dict[str, object]:
        """Return the error as the `error` object of `--json` output."""
        return {
            "code": self.code,
            "what": self.what,
            "why": self.why,
            "fix": self.fix,
            "where": {"file": self.where.file, "line": self.where.line, "column": self.where.column},
        }


def _rebuild(kind: type[NijiError], code: str, what: str, why: str, fix: str, where: Place) -> NijiError:
    return kind(code, what=what, why=why, fix=fix, where=where)


class UsageError(NijiError):
    """The command was called wrongly."""

    exit_code = ExitCode.USAGE


class PolicyError(NijiError):
    """A policy file is wrong, or forbids what was asked."""

    exit_code = ExitCode.POLICY


class DataError(NijiError):
    """The data are unreadable, or would break a guarantee."""

    exit_code = ExitCode.DATA


class NotPermittedError(NijiError):
    """No permit, an expired or revoked one, or the wrong key."""

    exit_code = ExitCode.NOT_PERMITTED


class BudgetError(NijiError):
    """The privacy budget does not cover what was asked."""

    exit_code = ExitCode.BUDGET


class IntegrityError(NijiError):
    """Something was altered: a digest, a signature or a chain does not hold."""

    exit_code = ExitCode.INTEGRITY
