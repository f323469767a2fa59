"""The gate before publication: every blocking check passed, and nobody forgot to look."""

from collections.abc import Iterable, Sequence

from anonymization.evidence import CheckKind, CheckResult
from anonymization.tables import Protected, Validated
from policies.errors import DataError, Place

REQUIRED_KINDS = (CheckKind.QUALITY, CheckKind.RECOUNT)
"""Checks that every release needs at least one of: the quality suite, and the recount by independent code."""


def validate(protected: Protected, checks: Sequence[CheckResult]) -> Validated:
    """Let a release pass if every blocking check passed and the required kinds of check were made.

    Args:
        protected: The release.
        checks: What the quality suite, the recount and the attacks found. The checks in the release's own evidence are
            judged too, but do not count as having been made: the one who made a release does not vouch for it.

    Returns:
        The release with all checks, those of its evidence first.

    Raises:
        DataError: A blocking check failed; or no quality check, or no recount was made.

    Guarantee: A `Validated` release has no failed blocking check.
    Not guaranteed: That the checks look at everything.
    """
    every = (*protected.evidence.checks, *checks)
    failed = sorted({check.name for check in every if check.blocking and not check.passed})
    if failed:
        raise DataError(
            "data.check-failed",
            what=f"release '{protected.release.id}' failed {len(failed)} blocking checks: {', '.join(failed)}",
            why="nothing is published on a promise",
            fix="read what each check found, and change the data or the policy; checks are not switched off",
        )
    missing = [kind.value for kind in REQUIRED_KINDS if not any(check.kind is kind for check in checks)]
    if missing:
        raise DataError(
            "data.check-missing",
            what=f"release '{protected.release.id}' has no check of the kind {', '.join(missing)}",
            why="a release that nobody looked at is not published",
            fix="run the quality suite and the recount on the protected release",
        )
    return Validated(protected, every)


def refuse_failed(checks: Iterable[CheckResult], *, where: str) -> None:
    """Stop a stage at what it found of itself; the message names the rules, the checks and their counts.

    Args:
        checks: What was found.
        where: The stage and its dataset or release, as in `pseudonymized/admissions`.

    Raises:
        DataError: `data.rule-broken`: a blocking check did not pass.
    """
    failed = [check for check in checks if check.blocking and not check.passed]
    if failed:
        rules = ", ".join(dict.fromkeys(check.rule for check in failed if check.rule))
        raise DataError(
            "data.rule-broken",
            what=f"{where} breaks {rules or 'a check of its own'}: "
            + "; ".join(f"{check.name} ({check.what})" for check in failed[:5]),
            why="a stage whose result breaks a rule writes nothing, and nothing after it runs",
            fix="correct the data or the policy that the rule names; checks are not switched off",
            where=Place(where),
        )
