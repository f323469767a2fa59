"""What a check of policy files reports: findings, each with its place, its reason and its remedy.

Belongs here: the record and how it is shown. Does not: how anything is found.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from policies.errors import Place, PolicyError
from policies.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a policy file.

    `rule` is the id of a rule in a rule pack (`APPI-23`), or a dotted code (`policy.unknown-column`) where the file
    itself is at fault. `what`, `why`, `fix` are one clause each and quote names and counts only.
    """

    rule: str
    severity: Severity
    place: Place
    what: str
    why: str
    fix: str

    def __str__(self) -> str:
        """Show the finding as the style guide asks: place and rule, then what, why, fix."""
        head = f"{self.place}  " if str(self.place) else ""
        return f"{head}{self.rule}  {self.severity.value}\nwhat: {self.what}\nwhy:  {self.why}\nfix:  {self.fix}"

    def as_json(self) -> dict[str, object]:
        """Return the finding as one element of `policy check --json`."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "what": self.what,
            "why": self.why,
            "fix": self.fix,
        }


def is_ok(findings: Iterable[Finding]) -> bool:
    """Return whether no finding blocks."""
    return all(finding.severity is not Severity.BLOCK for finding in findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by file, line, column and rule, each once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda it: (it.place.file, it.place.line, it.place.column, it.rule, it.what)))


def refuse(findings: Iterable[Finding]) -> None:
    """Raise the first blocking finding as a PolicyError that also says how many more there are.

    Raises:
        PolicyError: There is a blocking finding; its code is the finding's rule.
    """
    blocking = [finding for finding in findings if finding.severity is Severity.BLOCK]
    if not blocking:
        return
    first, more = blocking[0], len(blocking) - 1
    what = f"{first.what} (and {more} more findings; `niji policy check` lists them)" if more else first.what
    raise PolicyError(first.rule, what=what, why=first.why, fix=first.fix, where=first.place)
