"""A folder of policies → library: which files belong to it, and what each of them is.

Belongs here: collecting, ids, suites, the packs that ship with Niji. Does not: reading one file (`documents`).
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from policies.documents import MODELS, read_bytes, read_policy
from policies.errors import Place
from policies.findings import Finding, in_order
from policies.library import FOLDERS, PolicyKind, PolicyLibrary
from policies.model import RulePack
from policies.places import Document
from policies.subset import WHY_FILE, block
from policies.vocabulary import Severity

PACKAGED = Path(__file__).resolve().parent
"""The policies that ship with Niji; their rule packs are always at hand."""


@cache
def _read_packaged(path: Path, model: type[BaseModel]) -> tuple[Document | None, Any, tuple[Finding, ...]]:
    """Read a rule pack that ships with Niji; such files do not change while a program runs."""
    return read_policy(path, model)


class Shelf:
    """Collects what is read from a folder, until it is a library."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models: dict[PolicyKind, dict[str, Any]] = {kind: {} for kind in PolicyKind}
        self.files: dict[tuple[PolicyKind, str], Path] = {}
        self.documents: dict[Path, Document] = {}
        self.findings: list[Finding] = []

    def fill(self, *, with_shipped_packs: bool = True) -> PolicyLibrary:
        """Read every file that belongs to the folder, and the rule packs that ship with Niji."""
        # The law first: what a folder adds cannot stand in its place.
        shipped = PACKAGED / FOLDERS[PolicyKind.RULEPACK]
        for path in sorted(shipped.glob("*.yaml")) if with_shipped_packs else ():
            self._add(PolicyKind.RULEPACK, path, RulePack)
        for kind, model in MODELS.items():
            for path in self._inside(FOLDERS[kind], "*.y*ml"):
                self._add(kind, path, model)
        for path in self._inside(FOLDERS[PolicyKind.SUITE], "*.json"):
            self._add_suite(path)
        self._name_unread()
        return self._library()

    def _inside(self, folder: str, pattern: str) -> Iterator[Path]:
        """Yield the files of a folder in order; those that are only links to elsewhere are refused."""
        homes = (self.root.resolve(), PACKAGED)
        for path in sorted((self.root / folder).glob(pattern)):
            if any(Path(os.path.realpath(path)).is_relative_to(home) for home in homes):
                yield path
            else:
                what = "the file is a link that leads out of the policies folder"
                why = "what is signed is what lies in the folder; what a link leads to can change unseen"
                fix = "copy the file into the folder"
                self.findings.append(block("policy.outside-folder", Place(str(path)), what, why, fix))

    def _name_unread(self) -> None:
        """Warn of files that look like policies and are none: with another ending, or in a folder further down."""
        for kind, folder in FOLDERS.items():
            endings = {".json"} if kind is PolicyKind.SUITE else {".yaml", ".yml"}
            for path in sorted((self.root / folder).rglob("*")):
                is_read = path.parent == self.root / folder and path.suffix in endings
                if path.suffix.lower() not in endings or is_read or not path.is_file():
                    continue
                what = "the file looks like a policy, and is not read"
                why = f"policies of this kind lie in {folder}/ itself and end in {' or '.join(sorted(endings))}"
                fix = "rename or move it, or take it out of the folder"
                self.findings.append(Finding("policy.not-read", Severity.WARN, Place(str(path)), what, why, fix))

    def _add(self, kind: PolicyKind, path: Path, model: type[BaseModel]) -> None:
        stem = path.name.rsplit(".", 1)[0]
        there = self.files.get((kind, stem))
        if there is not None:
            if Path(os.path.realpath(path)) == there or (kind is PolicyKind.RULEPACK and _same(path, there)):
                return
            what = f"the {kind.value} '{stem}' is there already: {there}"
            why = "ids are unique; the rule packs that ship with Niji cannot be replaced by a folder's own"
            is_shipped = there.parent == PACKAGED / FOLDERS[PolicyKind.RULEPACK]
            fix = "take the copy away: the one that ships is read" if is_shipped else "give it another id"
            self.findings.append(block("policy.duplicate-id", Place(str(path)), what, why, fix))
            return
        self.files[kind, stem] = path
        read = _read_packaged if path.parent == PACKAGED / FOLDERS[PolicyKind.RULEPACK] else read_policy
        document, built, findings = read(path, model)
        self.findings += findings
        if document is not None:
            self.documents[path] = document
        if document is None or built is None or findings:
            return
        if built.id != stem:
            what = f"the id is not the name of the file, '{stem}'"
            why = "a policy is found by its id; the file's name must not say something else"
            fix = "rename the file or the id"
            self.findings.append(block("policy.id-is-not-file-name", document.place("id"), what, why, fix))
            return
        self.models[kind][stem] = built

    def _add_suite(self, path: Path) -> None:
        self.files[PolicyKind.SUITE, path.stem] = path
        data, found = read_bytes(path)
        if data is None:
            self.findings += found
            return
        try:
            suite = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            line, column = getattr(error, "lineno", 0), getattr(error, "colno", 0)
            what = "the suite is not plain JSON (repeated keys and NaN are not)"
            place = Place(str(path), line, column)
            self.findings.append(block("policy.suite-unreadable", place, what, WHY_FILE, "correct the JSON"))
            return
        if not isinstance(suite, dict):
            what, fix = "the suite is not a JSON object", "correct the JSON"
            self.findings.append(block("policy.suite-unreadable", Place(str(path)), what, WHY_FILE, fix))
            return
        self.models[PolicyKind.SUITE][path.stem] = suite

    def _library(self) -> PolicyLibrary:
        return PolicyLibrary(
            root=self.root,
            datasets=self.models[PolicyKind.DATASET],
            releases=self.models[PolicyKind.RELEASE],
            hierarchies=self.models[PolicyKind.HIERARCHY],
            rulepacks=self.models[PolicyKind.RULEPACK],
            suites=self.models[PolicyKind.SUITE],
            files=self.files,
            documents=self.documents,
            findings=in_order(self.findings),
        )


def _same(path: Path, there: Path) -> bool:
    first, _ = read_bytes(path)
    second, _ = read_bytes(there)
    return first is not None and first == second


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        msg = "repeated key"
        raise ValueError(msg)
    return dict(pairs)


def _no_constant(_: str) -> object:
    msg = "not a JSON number"
    raise ValueError(msg)
