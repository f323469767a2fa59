"""What publishing a release must leave behind by rule: notice, label, retention, readable record, no exact count.

Pure functions over the policy, the record and the signed statement. Not here: making any of them.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from anonymization.evidence import CheckResult, Scalar, rule_check
from catalog.records import CatalogRecord
from policies.model import ReleasePolicy
from policies.model.method import PrivateMethod
from policies.vocabulary import OutputCategory

_LABELLED: Mapping[OutputCategory, str] = {
    OutputCategory.ANONYMIZED_APPI: "匿名加工情報",
    OutputCategory.ANONYMIZED_ADMIN: "行政機関等匿名加工情報",
    OutputCategory.ANONYMIZED_NGMI: "匿名加工医療情報",
    OutputCategory.PSEUDONYMIZED_NGMI: "仮名加工医療情報",
}
"""What a recipient must be told that the data are: APPI 43(4), 44; NGMI 15, 40."""


def label_checks(release: ReleasePolicy, label: object, *, on: date) -> tuple[CheckResult, ...]:
    """Say that the recipient is told what the data are, and that the public was told first (APPI-27, APPI-28; V09).

    Args:
        release: Its policy.
        label: The label in the signed statement that goes with the data.
        on: The day of publication or delivery.
    """
    wanted = _LABELLED.get(release.output_category)
    if wanted is None:
        return ()
    said = release.publication
    unsaid = int(wanted not in str(label or ""))
    early = 0 if said is not None and said.items_published_on <= on else 1
    figures: dict[str, Scalar] = {"label": str(label or ""), "on": on.isoformat()}
    if said is not None:
        figures |= {"items_url": said.items_url, "items_published_on": said.items_published_on.isoformat()}
    what = f"the items were made public before, and the signed manifest says 「{wanted}」"
    return (
        rule_check("APPI-27", "items_are_public", early, "the items of information are public", figures),
        rule_check("APPI-28", "recipient_is_told", unsaid + early, what, figures),
    )


def record_checks(
    release: ReleasePolicy, record: CatalogRecord, *, broken_shapes: int, exact_outputs: Sequence[str]
) -> tuple[CheckResult, ...]:
    """Say that the catalog's record can be read by others, says how long data are kept, and counts nobody exactly.

    Args:
        release: Its policy.
        record: The record that is published.
        broken_shapes: Violations of the shapes of DCAT-AP and HealthDCAT-AP.
        exact_outputs: Other releases of the same datasets whose numbers are exact.
    """
    keep = release.retention
    differs = (record.extract_months != keep.extract_months) + (record.delete_within_days != keep.delete_within_days)
    figures: dict[str, Scalar] = {
        "extract_months": keep.extract_months,
        "delete_within_days": keep.delete_within_days,
        "ledger_years": keep.ledger_years,
    }
    readable = "the record keeps the shapes of DCAT-AP 3 and HealthDCAT-AP"
    checks = [
        rule_check("HDCAT-01", "record.shapes", broken_shapes, readable),
        rule_check("EHDS-77", "record.readable", broken_shapes, readable),
        rule_check("APPI-33", "record.retention", differs, "the record says when copies are deleted", figures),
    ]
    if isinstance(release.method, PrivateMethod):
        counted = int(record.people_out is not None) + int(record.evidence.loss is not None)
        what = "the catalog counts nobody exactly beside the noisy numbers; exact releases of the same data are listed"
        listed = ", ".join(exact_outputs) or "none"
        checks.append(rule_check("DP-04", "record.no_exact_count", counted, what, {"exact_outputs": listed}))
    return tuple(checks)
