"""4 pseudonymized: direct identifiers gone, keys replaced under the project's key, dates shifted per person."""

from typing import Any

from anonymization.pseudonymize import PseudonymKey, pseudonymize
from anonymization.stage_checks import pseudonym_checks
from anonymization.tables import AnyTable, Consented, EventTable, PersonTable, Pseudonymized
from anonymization.validate import refuse_failed
from catalog.keys import KeyKind
from pipelines.deployment import Deployment, digest_of
from pipelines.stages.outcome import Outcome
from pipelines.storage import Draft, Stage, Version
from policies.canonical import digest
from policies.library import PolicyKind
from policies.model.treatment import DateShift

DEFAULT_SHIFT_DAYS = 30
"""How far dates move where no release of the dataset says otherwise. House rule, after the example of legal-rules 4.3."""


def make_pseudonymized(deployment: Deployment, name: str) -> Outcome:
    """Pseudonymize a dataset under the key of its project.

    Raises:
        DataError: An identification code or a null person would remain.
    """
    deployment.require_active(PolicyKind.DATASET, name)
    dataset = deployment.library.dataset(name)
    zones = deployment.zones
    consented = zones.require(Stage.CONSENTED, name)
    days = shift_days_of(deployment, name)
    inputs = digest_of(consented=consented.data_version, policy=digest(dataset), shift_days=days)
    current = zones.current(Stage.PSEUDONYMIZED, name)
    if current is not None and current.inputs == inputs:
        return _outcome(current, is_reused=True)
    key = PseudonymKey(deployment.keys.secret(KeyKind.PSEUDONYM, dataset.project).reveal())
    engine = deployment.engine()
    source = Consented(dataset, zones.tables(consented, dataset, engine=engine))
    result = pseudonymize(source, key=key, max_shift_days=days)
    key_id = key.digest("key-id", dataset.project).hex()[:16]
    with zones.write(Stage.PSEUDONYMIZED, name) as draft:
        rows = {table: draft.write_stage_table(table, result.tables[table]) for table in result.tables}
        # Read back: what is judged is what was stored.
        stored = Pseudonymized(
            dataset, {table: _stored(draft, result.tables[table], engine) for table in result.tables}
        )
        checks = pseudonym_checks(stored, source.tables, key_id=key_id, max_shift_days=days)
        refuse_failed(checks, where=f"pseudonymized/{name}")
        facts = {
            "rows": rows,
            "people": consented.facts["people_out"],
            "checks": [check.as_json() for check in checks],
        }
        draft.finish(inputs=inputs, data_version=digest_of(pseudonymized=inputs), facts=facts)
    return _outcome(zones.require(Stage.PSEUDONYMIZED, name), is_reused=False)


def shift_days_of(deployment: Deployment, name: str) -> int:
    """Return how many days a dataset's dates move at most: what its releases ask for, or the house's default."""
    asked = [
        step.max_days
        for release in deployment.library.releases.values()
        for table in release.tables
        if table.dataset == name
        for column in table.columns
        for step in column.treat
        if isinstance(step, DateShift)
    ]
    return max(asked, default=DEFAULT_SHIFT_DAYS)


def read_sources(deployment: Deployment, datasets: tuple[str, ...], *, engine: object) -> dict[str, Pseudonymized]:
    """Read the pseudonymized datasets that a release draws on."""
    found = {}
    for name in datasets:
        dataset = deployment.library.dataset(name)
        version = deployment.zones.require(Stage.PSEUDONYMIZED, name)
        found[name] = Pseudonymized(dataset, deployment.zones.tables(version, dataset, engine=engine))
    return found


def _stored(draft: Draft, table: AnyTable, engine: Any) -> AnyTable:
    if isinstance(table, PersonTable | EventTable):
        return type(table)(table.policy, draft.written(table.policy.name, engine=engine))
    return table


def _outcome(version: Version, *, is_reused: bool) -> Outcome:
    counts = {"people": version.facts["people"], "rows": sum(version.facts["rows"].values())}
    return Outcome(version, is_reused=is_reused, counts=counts)
