"""What a delivery must leave behind by rule: its record, kept for years, and the day by which copies are deleted.

Pure functions over a permit, the audit log's entries and the extract's statement. Not here: delivering.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from anonymization.evidence import CheckResult, Scalar, rule_check
from catalog.access import Permit
from catalog.audit import AuditEvent
from catalog.publication_checks import label_checks
from policies.model import ReleasePolicy

LEAST_YEARS = 3
"""How long the record of a provision is kept. Source: APPI 29(2), Rules 21; NGMI Rules 12, 43."""

_ASKED, _BUILT = "extract.build", "extract.built"


def delivery_checks(
    release: ReleasePolicy,
    permit: Permit,
    *,
    events: Iterable[AuditEvent],
    statement: Mapping[str, object],
    remembered: int,
    on: date,
) -> tuple[CheckResult, ...]:
    """Say that a delivery is on record, that its recipient was told what it is, and when it is deleted.

    Args:
        release: The policy under which it was given.
        permit: The permit that it was given under.
        events: The audit log's entries about the permit.
        statement: The statement of the extract's signed manifest.
        remembered: How many extracts the catalog's store remembers of the permit.
        on: The day of delivery.

    Returns:
        Rules APPI-15, NGMI-13 and ETH-03 (the record), APPI-27 and APPI-28 (the label), APPI-33 (deletion).
    """
    actions = {event.action for event in events}
    missing = sum(action not in actions for action in (_ASKED, _BUILT)) + int(remembered < 1)
    years = release.retention.ledger_years
    due = permit.expires_on + timedelta(days=release.retention.delete_within_days)
    what = f"who received what and when is on record, and the record is kept for {LEAST_YEARS} years or more"
    record: dict[str, Scalar] = {"permit": permit.id, "kept_years": years, "on": on.isoformat()}
    return (
        *(
            rule_check(rule, f"provision.{rule}", missing + int(years < LEAST_YEARS), what, record)
            for rule in ("APPI-15", "NGMI-13", "ETH-03")
        ),
        *label_checks(release, statement.get("label"), on=on),
        rule_check(
            "APPI-33",
            "deletion_due",
            int(due < on),
            "the day by which copies are deleted is set",
            {"permit": permit.id, "delete_by": due.isoformat()},
        ),
    )
