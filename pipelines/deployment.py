"""One deployment, opened: its policies, zones, keys and durable records, and who is told how the work goes."""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import Any, Protocol

from anonymization.hierarchy import Hierarchy, build_hierarchy
from catalog.approvals import REGISTER, ApprovalBook, ApprovalDesk, relevant
from catalog.audit import AuditLog
from catalog.desk import Desk
from catalog.keys import KeyKind, KeyStore
from catalog.ledger import Ledger
from catalog.ledger_home import open_ledger
from catalog.store import CatalogStore
from pipelines.encryption import Vault
from pipelines.engines import open_engine
from pipelines.fixed_time import Clock
from pipelines.settings import Settings
from pipelines.storage import Stage, Zones
from policies.canonical import hierarchies_of
from policies.check import check
from policies.errors import NijiError, Place, PolicyError
from policies.findings import Finding, is_ok, refuse
from policies.library import PolicyKind, PolicyLibrary
from policies.lifecycle import PolicyState, findings_of, state_of
from policies.load import load_library
from policies.model import ReleasePolicy
from policies.model.hierarchy import FileLevels
from policies.roles import PolicyStatus

CODE_VERSION = version("niji")


class Reporter(Protocol):
    """Told how the work goes, in names and counts."""

    def started(self, what: str) -> None:
        """Hear that a step began."""

    def progressed(self, what: str, detail: str) -> None:
        """Hear how far a step is."""

    def finished(self, what: str, detail: str) -> None:
        """Hear that a step ended."""


class Silent:
    """A reporter that tells nobody."""

    def started(self, what: str) -> None:
        """Say nothing."""

    def progressed(self, what: str, detail: str) -> None:
        """Say nothing."""

    def finished(self, what: str, detail: str) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Deployment:
    """What every stage works with. Opened parts are opened once, at first use.

    `failures` collects what stopped stages in this process, for whoever started the run. `clock` times noisy answers.
    """

    settings: Settings
    library: PolicyLibrary
    reporter: Reporter = field(default_factory=Silent)
    failures: list[NijiError] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    _checked: dict[datetime.date, tuple[Finding, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def keys(self) -> KeyStore:
        """The key store."""
        return KeyStore.open(self.settings.home / "keys", self.settings.keys_passphrase)

    @cached_property
    def zones(self) -> Zones:
        """The zones on disk, under the storage key."""
        return Zones(self.settings.zones, Vault(self.keys.secret(KeyKind.STORAGE, "zones")))

    @cached_property
    def store(self) -> CatalogStore:
        """The catalog's store."""
        return CatalogStore.open(self.settings.home / "catalog.sqlite")

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log."""
        return AuditLog.open(self.settings.home / "audit.sqlite")

    @cached_property
    def ledger(self) -> Ledger:
        """The privacy ledger, its head signed by the platform; its chain and its anchors hold when it opens."""
        return open_ledger(self.settings.ledger, self.keys.signer(), public_keys=self.keys.signing_keys())

    @property
    def desk(self) -> Desk:
        """The desk for requests and permits."""
        return Desk(self.store, self.audit)

    @property
    def approvals(self) -> ApprovalDesk:
        """The approvals of the policies: who signed what, verified with the platform's own key."""
        return ApprovalDesk(ApprovalBook(self.settings.home, self.keys.signing_keys(), self.audit), self.keys.signer())

    def state(self, kind: PolicyKind, name: str) -> PolicyState:
        """Say where a policy stands today; signatures are read anew each time, because a suspension acts at once.

        Raises:
            IntegrityError: The records or the register of signers do not hold.
            PolicyError: There is no such policy.
        """
        on = self.settings.on
        if on not in self._checked:
            self._checked[on] = check(self.library, on=on)
        approvals = self.approvals.book.of_all(relevant(self.library, kind, name))
        return state_of(self.library, kind, name, approvals=approvals, on=on, findings=self._checked[on])

    def require_active(self, kind: PolicyKind, name: str) -> PolicyState:
        """Refuse to go on with a policy that is not active today; the first line of every stage.

        Raises:
            PolicyError: `policy.not-active`, with the reasons in both languages.
            IntegrityError: The records or the register of signers do not hold.
        """
        state = self.state(kind, name)
        if not state.is_active:
            raise not_active(state, file=str(self.library.file_of(kind, name)))
        return state

    def engine(self) -> Any:
        """Open an engine for one stage; it spills inside the restricted zone."""
        return open_engine(self.settings.zones / "restricted" / "spill", memory_limit=self.settings.memory_limit)

    def hierarchies(self, release: ReleasePolicy) -> dict[str, Hierarchy]:
        """Build the hierarchies that a release names."""
        built = {}
        for name in hierarchies_of(release):
            policy = self.library.hierarchy(name)
            text = None
            if isinstance(policy.levels, FileLevels):
                folder = self.library.file_of(PolicyKind.HIERARCHY, name).parent
                text = (folder / policy.levels.path).read_text("utf-8")
            built[name] = build_hierarchy(policy, file_text=text)
        return built


def not_active(state: PolicyState, *, file: str) -> PolicyError:
    """Return the refusal of a policy that is not active, with its reasons and what to do next."""
    what = f"{state.kind.value} '{state.name}' is {state.status.en} / {state.status.ja}"
    reasons = [f"{reason.en} / {reason.ja}" for reason in state.reasons]
    return PolicyError(
        "policy.not-active",
        what="; ".join([what, *reasons]),
        why="pipelines run only what four different people signed, and while all it rests on holds",
        fix=f"{state.next_step.en} / {state.next_step.ja}" if state.next_step else "see `niji policy status`",
        where=Place(file),
    )


def open_deployment(settings: Settings, *, reporter: Reporter | None = None) -> Deployment:
    """Open a deployment whose policies forbid nothing, apart from what ran out since all had signed it.

    A policy that was signed without a blocking finding, and has one now without a change, has lapsed: it is suspended
    and its stages are refused one by one, so that a single expired approval does not stop everything else.

    Raises:
        PolicyError: A policy file is wrong, or a rule of severity BLOCK refuses one.
    """
    library = load_library(settings.policies)
    findings = check(library, on=settings.on)
    if not is_ok(findings):
        refuse(_without_lapsed(Deployment(settings, library), findings))
    if not library.datasets:
        raise PolicyError(
            "policy.no-datasets",
            what=f"there is no dataset policy in {settings.policies}",
            why="every dataset is one YAML file; without one there is nothing to run",
            fix="write policies/datasets/NAME.yaml, or name the folder with --policies",
        )
    return Deployment(settings, library, reporter or Silent())


def _without_lapsed(deployment: Deployment, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Leave out the findings of policies that all had signed as they are: their state says that they are suspended."""
    library = deployment.library
    if not (deployment.settings.home / REGISTER).exists():
        return findings
    lapsed: set[Finding] = set()
    for kind, names in ((PolicyKind.RELEASE, library.releases), (PolicyKind.DATASET, library.datasets)):
        for name in names:
            mine = findings_of(library, kind, name, findings=findings)
            if not is_ok(mine) and deployment.state(kind, name).status is PolicyStatus.SUSPENDED:
                file = library.file_of(kind, name)
                lapsed |= {finding for finding in mine if finding.place.file == str(file)}
    return tuple(finding for finding in findings if finding not in lapsed)


def has_zones(deployment: Deployment) -> bool:
    """Return whether anything was ever run here; opening zones that are not there would make keys."""
    return (deployment.settings.home / "keys").is_dir() and deployment.settings.zones.is_dir()


def snapshot_of(deployment: Deployment, datasets: Sequence[str]) -> str:
    """Return the digest of the data that a release would be made of, as its stage names them; nothing is made."""
    zones = deployment.zones if has_zones(deployment) else None
    versions = {}
    for name in datasets:
        current = zones.current(Stage.PSEUDONYMIZED, name) if zones else None
        versions[name] = current.data_version if current else "not made"
    return digest_of(sources=versions)


def digest_of(**parts: object) -> str:
    """Return one digest over named parts; how a stage says what it was made from."""
    body: Mapping[str, object] = {"code": CODE_VERSION, **parts}
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, default=str)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
