"""3 consented: people without a valid basis, opted out or withdrawn are gone from every table."""

import hashlib
from datetime import date
from typing import Any

from anonymization.consent import keep_consenting
from anonymization.evidence import CheckResult
from anonymization.stage_checks import consent_checks
from anonymization.tables import AnyTable, Classified, Consented, EventTable, PersonTable, RegisterTable
from anonymization.validate import refuse_failed
from pipelines.deployment import Deployment, digest_of
from pipelines.stages.outcome import Outcome
from pipelines.storage import Stage, Version
from policies.canonical import digest
from policies.library import PolicyKind
from policies.model import DatasetPolicy


def make_consented(deployment: Deployment, name: str) -> Outcome:
    """Drop everybody whose data may not be used on the day of the run.

    Raises:
        DataError: See `anonymization.consent.keep_consenting`.
    """
    deployment.require_active(PolicyKind.DATASET, name)
    dataset = deployment.library.dataset(name)
    zones = deployment.zones
    classified = zones.require(Stage.CLASSIFIED, name)
    inputs = digest_of(classified=classified.data_version, policy=digest(dataset), on=deployment.settings.on)
    current = zones.current(Stage.CONSENTED, name)
    if current is not None and current.inputs == inputs:
        return _outcome(current, is_reused=True)
    engine = deployment.engine()
    tables = zones.tables(classified, dataset, engine=engine)
    kept = keep_consenting(Classified(dataset, tables), on=deployment.settings.on)
    people = people_in(kept)
    checks = _checks(kept, people, tables.get(_register(dataset)), on=deployment.settings.on)
    # The same people on another day are the same data: what follows stays fresh, and no budget is asked again.
    version = digest_of(classified=classified.data_version, people=people_digest(people))
    with zones.write(Stage.CONSENTED, name) as draft:
        rows = {table: draft.write_stage_table(table, kept.tables[table]) for table in kept.tables}
        facts: dict[str, Any] = {"rows": rows, "people_in": kept.people_in, "people_out": kept.people_out}
        facts["checks"] = [check.as_json() for check in checks]
        draft.finish(inputs=inputs, data_version=version, facts=facts)
    return _outcome(zones.require(Stage.CONSENTED, name), is_reused=False)


def _register(dataset: DatasetPolicy) -> str:
    return dataset.consent.register_.table if dataset.consent.register_ else ""


def _checks(kept: Consented, people: set[str], register: AnyTable | None, *, on: date) -> tuple[CheckResult, ...]:
    known = register if isinstance(register, RegisterTable) else None
    checks = consent_checks(kept.dataset, people, known, on=on)
    refuse_failed(checks, where=f"consented/{kept.dataset.id}")
    return checks


def people_in(kept: Consented) -> set[str]:
    """Return the distinct persons of all tables, as text."""
    names: set[str] = set()
    for table in kept.tables.values():
        key = table.policy.person_key
        if key is not None and isinstance(table, PersonTable | EventTable):
            people = table.rows.select(key).distinct().to_pyarrow().column(key)
            names.update(str(person) for person in people.to_pylist())
    return names


def people_digest(people: set[str]) -> str:
    """Return a digest that is the same for the same people: the data of one day are those of another with the same."""
    return hashlib.sha256("\n".join(sorted(people)).encode()).hexdigest()


def _outcome(version: Version, *, is_reused: bool) -> Outcome:
    facts = version.facts
    counts = {"people_in": facts["people_in"], "people_out": facts["people_out"], "rows": sum(facts["rows"].values())}
    return Outcome(version, is_reused=is_reused, counts=counts)
