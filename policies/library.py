"""All policies of one folder, by id, with the way back to the line each thing was written on.

Belongs here: the record. Does not: reading the folder (`load`), judging it (`check`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from policies.errors import Place, PolicyError
from policies.findings import Finding
from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy, RulePack
from policies.places import Document, Key


class PolicyKind(StrEnum):
    """The kinds of file in a policies folder."""

    DATASET = "dataset"
    RELEASE = "release"
    HIERARCHY = "hierarchy"
    RULEPACK = "rulepack"
    SUITE = "suite"


FOLDERS: Mapping[PolicyKind, str] = MappingProxyType(
    {
        PolicyKind.DATASET: "datasets",
        PolicyKind.RELEASE: "releases",
        PolicyKind.HIERARCHY: "hierarchies",
        PolicyKind.RULEPACK: "rulepacks",
        PolicyKind.SUITE: "quality",
    }
)
"""Where each kind lies below a policies folder; files are `*.yaml`, suites are `*.json`."""


@dataclass(frozen=True, slots=True)
class PolicyLibrary:
    """Every policy below one folder.

    `files` holds all files that were found, also those that did not load; `findings` says why they did not. A library
    from `load_library` has no findings.
    """

    root: Path
    datasets: Mapping[str, DatasetPolicy]
    releases: Mapping[str, ReleasePolicy]
    hierarchies: Mapping[str, HierarchyPolicy]
    rulepacks: Mapping[str, RulePack]
    suites: Mapping[str, Mapping[str, object]] = field(repr=False)
    files: Mapping[tuple[PolicyKind, str], Path] = field(repr=False)
    documents: Mapping[Path, Document] = field(repr=False)
    findings: tuple[Finding, ...] = ()

    def suite(self, name: str) -> Mapping[str, object]:
        """Return a quality suite (Great Expectations JSON) by name.

        Raises:
            PolicyError: `policy.unknown-suite`.
        """
        if name not in self.suites:
            raise PolicyError(
                "policy.unknown-suite",
                what=f"there is no quality suite '{name}'",
                why="a release is judged by the suite that it names",
                fix=f"write {self.root / FOLDERS[PolicyKind.SUITE] / (name + '.json')}",
            )
        return self.suites[name]

    def dataset(self, name: str) -> DatasetPolicy:
        """Return a dataset policy by id.

        Raises:
            PolicyError: `policy.unknown-dataset`.
        """
        if name not in self.datasets:
            raise self._unknown(PolicyKind.DATASET, name)
        return self.datasets[name]

    def release(self, name: str) -> ReleasePolicy:
        """Return a release policy by id.

        Raises:
            PolicyError: `policy.unknown-release`.
        """
        if name not in self.releases:
            raise self._unknown(PolicyKind.RELEASE, name)
        return self.releases[name]

    def hierarchy(self, name: str) -> HierarchyPolicy:
        """Return a hierarchy policy by id.

        Raises:
            PolicyError: `policy.unknown-hierarchy`.
        """
        if name not in self.hierarchies:
            raise self._unknown(PolicyKind.HIERARCHY, name)
        return self.hierarchies[name]

    def is_broken(self, kind: PolicyKind, name: str) -> bool:
        """Return whether the file is there but did not load; what refers to it is then not judged twice."""
        loaded: Mapping[str, object] = {
            PolicyKind.DATASET: self.datasets,
            PolicyKind.RELEASE: self.releases,
            PolicyKind.HIERARCHY: self.hierarchies,
            PolicyKind.RULEPACK: self.rulepacks,
            PolicyKind.SUITE: self.suites,
        }[kind]
        return (kind, name) in self.files and name not in loaded

    def file_of(self, kind: PolicyKind | str, name: str) -> Path:
        """Return the file of a policy.

        Raises:
            PolicyError: `policy.unknown-…`: there is no such policy.
        """
        found = self.files.get((PolicyKind(kind), name))
        if found is None:
            raise self._unknown(PolicyKind(kind), name)
        return found

    def position(self, file: Path | str, *keys: Key) -> Place:
        """Return where the key at the end of `keys` is written in `file`, or the nearest thing above it."""
        document = self.documents.get(Path(file))
        return document.place(*keys) if document else Place(str(file))

    def place_of(self, kind: PolicyKind, name: str, *keys: Key) -> Place:
        """Return where a key of the policy called `name` is written."""
        file = self.files.get((kind, name))
        return self.position(file, *keys) if file else Place()

    def _unknown(self, kind: PolicyKind, name: str) -> PolicyError:
        return PolicyError(
            f"policy.unknown-{kind.value}",
            what=f"there is no {kind.value} '{name}'",
            why=f"{kind.value} policies are the files in {self.root / FOLDERS[kind]}",
            fix=f"write {self.root / FOLDERS[kind] / (name + '.yaml')}, or correct the name",
        )
