"""The data's way to the pseudonymized tables, computed and not written: for what is asked before a policy is signed.

What is fresh in the zones is taken from there; what is not is computed in memory from the nearest stage before it, at
worst from the landing files. No version, key, ledger entry or event is made.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis

from anonymization.classify import classify
from anonymization.consent import keep_consenting
from anonymization.evidence import CheckResult
from anonymization.pseudonymize import PseudonymKey, pseudonymize
from anonymization.tables import (
    AnyTable,
    Classified,
    Consented,
    EventTable,
    GenotypeTable,
    PersonTable,
    Pseudonymized,
    Raw,
    ReferenceTable,
    RegisterTable,
)
from catalog.keys import KeyKind
from pipelines.deployment import Deployment, digest_of, has_zones
from pipelines.engines import open_engine
from pipelines.sources.read import read_table
from pipelines.stages.consented import people_digest, people_in
from pipelines.stages.pseudonymized import shift_days_of
from pipelines.stages.raw import raw_inputs
from pipelines.storage import Stage, Version
from policies.canonical import digest
from policies.errors import DataError
from policies.model import DatasetPolicy, TablePolicy
from policies.vocabulary import TableKind


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A pseudonymized dataset that was not written, and the stage whose stored rows it was computed from."""

    source: Pseudonymized
    taken_from: str


def rehearse(deployment: Deployment, name: str, *, engine: Any) -> Rehearsed:
    """Return a dataset as its pseudonymized stage would write it today.

    Args:
        deployment: Opened for reading; its library may hold drafts.
        name: The dataset.
        engine: Computes; from `quiet_engine`.

    Returns:
        The dataset, and which stage's stored rows were used. Without a key store its pseudonyms are made under a key
        that is forgotten: they serve to count, and nothing else is done with them.

    Raises:
        DataError, PolicyError: What the stages would raise.

    Not guaranteed: the identifier scan, which is made at landing and read from there if the landing is fresh.
    """
    walk = _Walk(deployment, deployment.library.dataset(name), engine)
    return walk.pseudonymized()


@contextmanager
def quiet_engine(deployment: Deployment) -> Iterator[Any]:
    """Open an engine that leaves no folder behind; what it spills lies in the restricted zone while it works."""
    spill = deployment.settings.zones / "restricted" / "spill" / "rehearsal"
    made = [folder for folder in (spill, *spill.parents) if not folder.exists()]
    try:
        yield open_engine(spill, memory_limit=deployment.settings.memory_limit)
    finally:
        shutil.rmtree(spill, ignore_errors=True)
        for folder in made[1:]:
            _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


@dataclass(frozen=True, slots=True)
class _Walk:
    """The way of one dataset, backwards until something stored is fresh, then forwards in memory."""

    deployment: Deployment
    dataset: DatasetPolicy
    engine: Any

    def pseudonymized(self) -> Rehearsed:
        consented, version, taken = self._consented()
        days = shift_days_of(self.deployment, self.dataset.id)
        inputs = digest_of(consented=version, policy=digest(self.dataset), shift_days=days)
        stored = self._current(Stage.PSEUDONYMIZED)
        if stored is not None and stored.inputs == inputs:
            return Rehearsed(Pseudonymized(self.dataset, self._tables(stored)), Stage.PSEUDONYMIZED.value)
        return Rehearsed(pseudonymize(consented, key=self._key(), max_shift_days=days), taken)

    def _consented(self) -> tuple[Consented, str, str]:
        on = self.deployment.settings.on
        classified, version, taken = self._classified()
        stored = self._current(Stage.CONSENTED)
        inputs = digest_of(classified=version, policy=digest(self.dataset), on=on)
        if stored is not None and stored.inputs == inputs:
            facts = stored.facts
            kept = Consented(self.dataset, self._tables(stored), facts["people_in"], facts["people_out"])
            return kept, stored.data_version, Stage.CONSENTED.value
        kept = keep_consenting(classified, on=on)
        return kept, digest_of(classified=version, people=people_digest(people_in(kept))), taken

    def _classified(self) -> tuple[Classified, str, str]:
        raw, scans, quarantined, version, taken = self._raw()
        stored = self._current(Stage.CLASSIFIED)
        if stored is not None and stored.data_version == digest_of(classified=version):
            return Classified(self.dataset, self._tables(stored)), stored.data_version, Stage.CLASSIFIED.value
        found = classify(raw, scans=scans, quarantined=quarantined)
        return found, digest_of(classified=version), taken

    def _raw(self) -> tuple[Raw, tuple[CheckResult, ...], Mapping[str, int], str, str]:
        stored = self._current(Stage.RAW)
        if stored is not None and stored.inputs == self._raw_inputs(stored):
            scans = tuple(CheckResult.from_json(scan) for scan in stored.facts["scans"])
            aside = {table: sum(reasons.values()) for table, reasons in stored.facts["quarantined"].items()}
            return Raw(self.dataset, self._tables(stored)), scans, aside, stored.data_version, Stage.RAW.value
        tables: dict[str, AnyTable] = {}
        aside = {}
        for policy in self.dataset.tables:
            self.deployment.reporter.progressed(f"rehearsal/{self.dataset.id}", policy.name)
            reader = read_table(policy, landing=self.deployment.settings.landing)
            tables[policy.name] = _as_stage_table(policy, reader.read_all(), reader.samples)
            aside[policy.name] = reader.quarantine.total
        return Raw(self.dataset, tables), (), aside, "in memory", "landing"

    def _raw_inputs(self, stored: Version) -> str:
        try:
            return raw_inputs(self.deployment, self.dataset)
        except DataError:
            return stored.inputs  # the landing files are gone: there is nothing newer than what was landed

    def _current(self, stage: Stage) -> Version | None:
        return self.deployment.zones.current(stage, self.dataset.id) if has_zones(self.deployment) else None

    def _tables(self, version: Version) -> dict[str, AnyTable]:
        return self.deployment.zones.tables(version, self.dataset, engine=self.engine)

    def _key(self) -> PseudonymKey:
        wanted = (KeyKind.PSEUDONYM, self.dataset.project)
        if has_zones(self.deployment) and wanted in self.deployment.keys.names():
            return PseudonymKey(self.deployment.keys.secret(*wanted).reveal())
        return PseudonymKey.new()


def _as_stage_table(policy: TablePolicy, rows: Any, samples: tuple[str, ...]) -> AnyTable:
    if policy.kind is TableKind.GENOTYPE:
        return GenotypeTable(policy, rows, samples)
    lazy = ibis.memtable(rows)
    if policy.kind is TableKind.PERSON:
        return PersonTable(policy, lazy)
    if policy.kind is TableKind.EVENT:
        return EventTable(policy, lazy)
    return RegisterTable(policy, lazy) if policy.kind is TableKind.REGISTER else ReferenceTable(policy, lazy)
