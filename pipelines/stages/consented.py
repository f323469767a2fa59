"""3 consented: people without a valid basis, opted out or withdrawn are gone from every table."""

import hashlib

from anonymization.consent import keep_consenting
from anonymization.tables import Classified, Consented, EventTable, PersonTable
from pipelines.deployment import Deployment, digest_of
from pipelines.stages.outcome import Outcome
from pipelines.storage import Stage, Version
from policies.canonical import digest


def make_consented(deployment: Deployment, name: str) -> Outcome:
    """Drop everybody whose data may not be used on the day of the run.

    Raises:
        DataError: See `anonymization.consent.keep_consenting`.
    """
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
    # The same people on another day are the same data: what follows stays fresh, and no budget is asked again.
    version = digest_of(classified=classified.data_version, people=_people_digest(kept))
    with zones.write(Stage.CONSENTED, name) as draft:
        rows = {table: draft.write_stage_table(table, kept.tables[table]) for table in kept.tables}
        facts = {"rows": rows, "people_in": kept.people_in, "people_out": kept.people_out}
        draft.finish(inputs=inputs, data_version=version, facts=facts)
    return _outcome(zones.require(Stage.CONSENTED, name), is_reused=False)


def _people_digest(kept: Consented) -> str:
    names: set[str] = set()
    for table in kept.tables.values():
        key = table.policy.person_key
        if key is not None and isinstance(table, PersonTable | EventTable):
            people = table.rows.select(key).distinct().to_pyarrow().column(key)
            names.update(str(person) for person in people.to_pylist())
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def _outcome(version: Version, *, is_reused: bool) -> Outcome:
    facts = version.facts
    counts = {"people_in": facts["people_in"], "people_out": facts["people_out"], "rows": sum(facts["rows"].values())}
    return Outcome(version, is_reused=is_reused, counts=counts)
