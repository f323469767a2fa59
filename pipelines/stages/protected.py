"""5 protected: one release made safe by its method; differential privacy is charged to the ledger first."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import pyarrow as pa

from anonymization.controlled import protect_controlled_rows
from anonymization.dp.plan import DpPlan
from anonymization.dp.release import answer_digest, measure
from anonymization.dp.synthetic.asked import measure_synthetic
from anonymization.evidence import Evidence
from anonymization.generalize import SearchProgress
from anonymization.genome.release import protect_allele_frequencies, refuse_row_level
from anonymization.microdata import protect_microdata
from anonymization.small_cells import protect_small_cells
from anonymization.tables import (
    AlleleFrequencyTable,
    Anonymized,
    ControlledRows,
    GenotypeTable,
    NoisyAggregate,
    Protected,
    Pseudonymized,
    SmallCellTable,
)
from anonymization.treat import treat_tables
from anonymization.validate import refuse_failed
from catalog.keys import KeyKind
from catalog.ledger import Reservation
from catalog.ledger_checks import ledger_checks
from pipelines.charging import scopes_of
from pipelines.deployment import Deployment, digest_of
from pipelines.fixed_time import RELEASE_SECONDS, on_schedule, slot_seconds
from pipelines.private_plan import PrivatePlan, delta_units, plan_private
from pipelines.source_names import names_of_people
from pipelines.stages.outcome import Outcome
from pipelines.stages.package import refuse_other_content
from pipelines.stages.pseudonymized import read_sources
from pipelines.stages.rule_evidence import LEDGER
from pipelines.storage import Stage, Version
from policies.canonical import library_digest
from policies.errors import IntegrityError
from policies.library import PolicyKind
from policies.model import ReleasePolicy, TablePolicy
from policies.model.method import AlleleFrequencies, Microdata, PrivateMethod, SmallCells


def make_protected(deployment: Deployment, name: str) -> Outcome:
    """Protect a release as its policy says.

    Raises:
        DataError: The privacy model cannot be met.
        BudgetError: The population's account does not cover the loss.
    """
    deployment.require_active(PolicyKind.RELEASE, name)
    release = deployment.library.release(name)
    zones = deployment.zones
    snapshot = {one: zones.require(Stage.PSEUDONYMIZED, one).data_version for one in release.datasets}
    inputs = digest_of(policy=library_digest(deployment.library, release=name), sources=snapshot)
    current = zones.current(Stage.PROTECTED, name)
    if current is not None and current.inputs == inputs:
        _settle(deployment, release, current)
        return _outcome(current, is_reused=True)
    refuse_other_content(deployment, release, inputs=inputs)
    engine = deployment.engine()
    sources = read_sources(deployment, release.datasets, engine=engine)
    refuse_row_level(release, datasets={one: source.dataset for one, source in sources.items()})
    charge, dp_plan = _charge(deployment, release, snapshot=digest_of(sources=snapshot))
    with _in_time(deployment, release, dp_plan):
        protected = _protect(deployment, release, sources, dp_plan=dp_plan)
        _store(deployment, protected, inputs=inputs, charge=charge)
    made = zones.require(Stage.PROTECTED, name)
    if dp_plan is not None:
        zones.redate(made)
    _settle(deployment, release, made)
    return _outcome(made, is_reused=False)


def _in_time(
    deployment: Deployment, release: ReleasePolicy, dp_plan: PrivatePlan | None
) -> AbstractContextManager[None]:
    """Let noise, and what failed before it was drawn, be known at a slot only; other methods at once."""
    if dp_plan is None or not isinstance(release.method, PrivateMethod):
        return nullcontext()
    least = deployment.settings.answer_seconds or RELEASE_SECONDS
    seconds = slot_seconds(dp_plan, people_at_most=release.method.budget.people_at_most, least=least)
    return on_schedule(seconds, clock=deployment.clock)


def read_protected(deployment: Deployment, name: str, *, engine: Any) -> Protected:
    """Read a protected release back under its type."""
    release = deployment.library.release(name)
    version = deployment.zones.require(Stage.PROTECTED, name)
    evidence = Evidence.from_json(version.facts["evidence"])
    zones = deployment.zones
    if isinstance(release.method, Microdata):
        rows = {table: zones.rows(version, table, engine=engine) for table in version.tables}
        return Anonymized(release, rows, evidence)
    if isinstance(release.method, PrivateMethod | SmallCells | AlleleFrequencies):
        tables = {table: zones.arrow(version, table) for table in version.tables}
        if isinstance(release.method, PrivateMethod):
            return NoisyAggregate(release, tables, evidence)
        kind = SmallCellTable if isinstance(release.method, SmallCells) else AlleleFrequencyTable
        return kind(release, tables, evidence)
    genotypes = {
        table: GenotypeTable(policy, zones.arrow(version, table), zones.samples(version, table))
        for table, policy in _genotype_policies(deployment, release).items()
    }
    rows = {one: zones.rows(version, one, engine=engine) for one in version.tables if one not in genotypes}
    return ControlledRows(release, rows, genotypes, evidence)


def _genotype_policies(deployment: Deployment, release: ReleasePolicy) -> dict[str, TablePolicy]:
    found = {}
    for table in release.tables:
        policy = deployment.library.dataset(table.dataset).table(table.table)
        if policy is not None and policy.samples is not None:
            found[table.table] = policy
    return found


def _charge(
    deployment: Deployment, release: ReleasePolicy, *, snapshot: str
) -> tuple[Reservation | None, PrivatePlan | None]:
    planned = plan_private(release, snapshot=snapshot)
    if planned is None or not isinstance(release.method, PrivateMethod):
        return None, None
    sources = names_of_people(deployment, release.datasets)
    scopes = replace(scopes_of(release.method.budget, release=release.id), sources=sources)
    charge = deployment.ledger.reserve(
        scopes,
        planned.charge_micro,
        query_hash=planned.query_hash,
        snapshot=snapshot,
        delta_units=delta_units(planned),
    )
    if charge.is_answered:
        raise IntegrityError(
            "dp.answer-lost",
            what=f"release '{release.id}' was answered before, and its stored answer is not in the zones",
            why="the same question of the same data is answered once; fresh noise would undo the old",
            fix="restore the zones from their backup; or raise the policy's version, which is charged anew",
        )
    return charge, planned


def _protect(
    deployment: Deployment, release: ReleasePolicy, sources: Mapping[str, Pseudonymized], *, dp_plan: PrivatePlan | None
) -> Protected:
    hierarchies = deployment.hierarchies(release)
    if dp_plan is not None:
        key = deployment.keys.secret(KeyKind.BOUNDING, dp_plan.population).reveal()
        treated = treat_tables(release, sources, hierarchies=hierarchies)
        if isinstance(dp_plan, DpPlan):
            return measure(release, treated, plan=dp_plan, bounding_key=key)
        return measure_synthetic(release, treated, plan=dp_plan, bounding_key=key)
    if isinstance(release.method, Microdata):

        def progress(step: SearchProgress) -> None:
            gap = "no valid node yet" if step.gap is None else f"gap {step.gap:.4f}"
            deployment.reporter.progressed(f"protected/{release.id}", f"{step.checks} nodes checked, {gap}")

        return protect_microdata(release, sources, hierarchies=hierarchies, progress=progress)
    if isinstance(release.method, SmallCells):
        return protect_small_cells(release, sources, hierarchies=hierarchies)
    if isinstance(release.method, AlleleFrequencies):
        return protect_allele_frequencies(release, sources)
    return protect_controlled_rows(release, sources, hierarchies=hierarchies)


def _store(deployment: Deployment, protected: Protected, *, inputs: str, charge: Reservation | None) -> None:
    with deployment.zones.write(Stage.PROTECTED, protected.release.id) as draft:
        tables: Mapping[str, pa.Table | Any] = protected.tables
        rows = {table: draft.write_table(table, content) for table, content in tables.items()}
        if isinstance(protected, ControlledRows):
            for table, genotypes in protected.genotypes.items():
                rows[table] = draft.write_stage_table(table, genotypes)
        facts = {"rows": rows, "evidence": protected.evidence.as_json()}
        if charge is not None and isinstance(protected, NoisyAggregate):
            facts["charge"] = {"id": charge.charge_id, "answer": answer_digest(protected)}
        draft.finish(inputs=inputs, data_version=digest_of(protected=inputs), facts=facts)


def _settle(deployment: Deployment, release: ReleasePolicy, version: Version) -> None:
    # Asked of a fresh version too: a run may have ended between storing the answer and settling its charge.
    charge = version.facts.get("charge")
    if charge is None:
        return
    deployment.ledger.settle(charge["id"], charge["answer"])
    if deployment.zones.read_note(version, LEDGER) is not None:
        return
    stored = read_protected(deployment, release.id, engine=deployment.engine())
    answer = answer_digest(stored) if isinstance(stored, NoisyAggregate) else ""
    checks = ledger_checks(deployment.ledger.history(), charge_id=charge["id"], stored_answer=answer)
    refuse_failed(checks, where=f"protected/{release.id}")
    deployment.zones.note(version, LEDGER, {"checks": [check.as_json() for check in checks]})


def _outcome(version: Version, *, is_reused: bool) -> Outcome:
    evidence = version.facts["evidence"]
    counts = {"people_in": evidence["people_in"], "people_out": evidence["people_out"]}
    return Outcome(version, is_reused=is_reused, counts=counts, words={"method": evidence["method"]})
