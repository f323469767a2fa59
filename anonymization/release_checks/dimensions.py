"""Whether the quality suite spoke about every dimension that the release declares (rule EHDS-78)."""

from collections.abc import Sequence

from anonymization.evidence import CheckKind, CheckResult, rule_check
from policies.model import ReleasePolicy


def dimension_checks(release: ReleasePolicy, checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Say which quality dimensions were measured; one that was declared and not measured contradicts.

    Args:
        release: Its policy; `quality.dimensions` declares them.
        checks: What the quality suite found.
    """
    measured = {check.dimension for check in checks if check.kind is CheckKind.QUALITY and check.dimension}
    silent = len(set(release.quality.dimensions) - measured)
    named = ", ".join(sorted(dimension.value for dimension in measured))
    what = "every declared dimension of quality was measured"
    return (rule_check("EHDS-78", "quality.dimensions", silent, what, {"dimensions": named}),)
