"""Text → tree → model: the only place where YAML is parsed, and the strictest reading of it.

A subset of YAML 1.2: mappings, lists, text, whole numbers, decimals, `true`, `false`, `null`. What two readers could
take for two things is refused at its line and column: repeated keys, anchors, aliases, merge keys, tags, directives,
several documents, `~` and empty values, numbers such as `010` or `1_000`, tabs, invisible characters. `NO` and `yes`
are text. Everything wrong in one file is collected; the `load_…` functions raise the first, `load_findings` returns
all. The subset is recorded in DECISIONS.md, record 1.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from policies.complaints import complaints
from policies.errors import Place, PolicyError, UsageError
from policies.findings import Finding, in_order, refuse
from policies.library import FOLDERS, PolicyKind, PolicyLibrary
from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy, RulePack
from policies.places import Document, Entry, Node, Scalar, plain
from policies.vocabulary import Severity

MAX_BYTES = 1_000_000
"""A policy is read by people; a larger file is something else."""
MAX_DEPTH = 24
PACKAGED = Path(__file__).resolve().parent
"""The policies that ship with Niji; their rule packs are always at hand."""

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
# What some YAML reader takes for a number, a null or a moment, and we would not: the writer must say which.
_AMBIGUOUS = re.compile(
    r"[-+]?0[oO][0-7_]+|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[bB][01_]+"
    r"|[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|~|Null|NULL|True|TRUE|False|FALSE"
    r"|[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?"
)
# Controls, and characters that show a reviewer something else than what is read (Unicode TR36, "bidirectional text").
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]"
)

_MODELS: Mapping[PolicyKind, type[BaseModel]] = {
    PolicyKind.DATASET: DatasetPolicy,
    PolicyKind.RELEASE: ReleasePolicy,
    PolicyKind.HIERARCHY: HierarchyPolicy,
    PolicyKind.RULEPACK: RulePack,
}
_Model = TypeVar("_Model", DatasetPolicy, ReleasePolicy, HierarchyPolicy, RulePack)


def load_dataset(path: Path) -> DatasetPolicy:
    """Read a dataset policy.

    Raises:
        PolicyError: Anything is wrong with the file; the first finding, with file:line:column.
    """
    return _load(path, DatasetPolicy)


def load_release(path: Path) -> ReleasePolicy:
    """Read a release policy; raises PolicyError as `load_dataset` does."""
    return _load(path, ReleasePolicy)


def load_hierarchy(path: Path) -> HierarchyPolicy:
    """Read a hierarchy policy; raises PolicyError as `load_dataset` does."""
    return _load(path, HierarchyPolicy)


def load_rulepack(path: Path) -> RulePack:
    """Read a rule pack; raises PolicyError as `load_dataset` does."""
    return _load(path, RulePack)


def load_findings(path: Path) -> tuple[Finding, ...]:
    """Return everything that is wrong with one policy file, in the order of the file; empty when it loads.

    The kind is taken from the file's `schema:` key.
    """
    document, findings = read_document(path)
    if document is None:
        return in_order(findings)
    kind = kind_of(document)
    if kind is None:
        return in_order([*findings, _unknown_schema(document)])
    _, more = _build(document, _MODELS[kind], tainted=findings)
    return in_order([*findings, *more])


def kind_of(document: Document) -> PolicyKind | None:
    """Return which kind of policy a file says it is, by its `schema:` key (`niji/release/v1`)."""
    value = document.find(("schema",)).node.value
    match = re.fullmatch(r"niji/(dataset|release|hierarchy|rulepack)/v\d+", value) if isinstance(value, str) else None
    return PolicyKind(match.group(1)) if match else None


def read_document(path: Path) -> tuple[Document | None, list[Finding]]:
    """Read one file into a tree, and what is wrong with its YAML; None where there is no tree to speak of."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError:
        return None, [
            _block("policy.unreadable", Place(str(path)), "the file cannot be read", _FILE, "check path and rights")
        ]
    if size > MAX_BYTES:
        what = f"the file has more than {MAX_BYTES:,} bytes"
        return None, [
            _block("policy.yaml-too-large", Place(str(path)), what, _FILE, "move long tables into a hierarchy file")
        ]
    return _parse(data, str(path))


def read_library(root: Path) -> PolicyLibrary:
    """Read a policies folder; files that do not load are left out and explained in `findings`.

    The rule packs that ship with Niji are always part of the library; a folder may add packs, not replace one.

    Raises:
        UsageError: `policy.no-folder`: `root` is not a policies folder.
    """
    if not any((root / folder).is_dir() for folder in FOLDERS.values()):
        raise UsageError(
            "policy.no-folder",
            what=f"{root} is not a policies folder",
            why="a policies folder holds datasets/, releases/, hierarchies/ or rulepacks/",
            fix="name the folder that holds them",
        )
    shelf = _Shelf()
    # The law first: what a folder adds cannot stand in its place.
    for path in sorted((PACKAGED / FOLDERS[PolicyKind.RULEPACK]).glob("*.yaml")):
        shelf.add(PolicyKind.RULEPACK, path, RulePack)
    for kind, model in _MODELS.items():
        for path in sorted((root / FOLDERS[kind]).glob("*.y*ml")):
            shelf.add(kind, path, model)
    for path in sorted((root / FOLDERS[PolicyKind.SUITE]).glob("*.json")):
        shelf.add_suite(path)
    return shelf.library(root)


def load_library(root: Path) -> PolicyLibrary:
    """Read a policies folder of which every file loads.

    Raises:
        PolicyError: A file does not load, an id is used twice, or an id is not the file's name.
        UsageError: `root` is not a policies folder.
    """
    library = read_library(root)
    refuse(library.findings)
    return library


_FILE = "a policy is one UTF-8 text file that a person can read"
_SUBSET = "two readers of YAML could take it for two things; policies use the part of YAML that has one reading"


def _load(path: Path, model: type[_Model]) -> _Model:
    document, findings = read_document(path)
    built: _Model | None = None
    if document is not None:
        built, more = _build(document, model, tainted=findings)
        findings += more
    refuse(in_order(findings))
    if built is None:
        raise PolicyError(
            "policy.unreadable", what="the file cannot be read", why=_FILE, fix="check it", where=Place(str(path))
        )
    return built


def _build(
    document: Document, model: type[_Model] | type[BaseModel], *, tainted: list[Finding]
) -> tuple[Any, list[Finding]]:
    """Make the model from the tree; complaints about lines refused already wait for the next reading."""
    text = json.dumps(plain(document.root), ensure_ascii=False)
    try:
        return model.model_validate_json(text, strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        refused = {finding.place.line for finding in tainted}
        found = complaints(error, document=document, model=model)
        return None, [finding for finding in found if finding.place.line not in refused]


def _unknown_schema(document: Document) -> Finding:
    return _block(
        "policy.unknown-schema",
        document.place("schema"),
        "the file does not say which kind of policy it is",
        "the first key of every policy file names its kind and version",
        "begin with `schema: niji/dataset/v1` (or niji/release/v1, niji/hierarchy/v1, niji/rulepack/v1)",
    )


def _block(code: str, place: Place, what: str, why: str, fix: str) -> Finding:
    return Finding(rule=code, severity=Severity.BLOCK, place=place, what=what, why=why, fix=fix)


def _read(path: Path, model: type[BaseModel]) -> tuple[Document | None, Any, tuple[Finding, ...]]:
    document, findings = read_document(path)
    if document is None:
        return None, None, tuple(findings)
    built, more = _build(document, model, tainted=findings)
    return document, built, (*findings, *more)


@cache
def _read_packaged(path: Path, model: type[BaseModel]) -> tuple[Document | None, Any, tuple[Finding, ...]]:
    """Read a rule pack that ships with Niji; such files do not change while a program runs."""
    return _read(path, model)


class _Shelf:
    """Collects what is read from a folder, until it is a library."""

    def __init__(self) -> None:
        self.models: dict[PolicyKind, dict[str, Any]] = {kind: {} for kind in PolicyKind}
        self.files: dict[tuple[PolicyKind, str], Path] = {}
        self.documents: dict[Path, Document] = {}
        self.findings: list[Finding] = []

    def add(self, kind: PolicyKind, path: Path, model: type[BaseModel]) -> None:
        stem = path.name.rsplit(".", 1)[0]
        there = self.files.get((kind, stem))
        if there is not None:
            if path.resolve() == there or (kind is PolicyKind.RULEPACK and path.read_bytes() == there.read_bytes()):
                return
            what = f"the {kind.value} '{stem}' is there already: {there}"
            why = "ids are unique; the rule packs that ship with Niji cannot be replaced by a folder's own"
            self.findings.append(_block("policy.duplicate-id", Place(str(path)), what, why, "give it another id"))
            return
        self.files[kind, stem] = path
        read = _read_packaged if path.parent == PACKAGED / FOLDERS[PolicyKind.RULEPACK] else _read
        document, built, findings = read(path, model)
        self.findings += findings
        if document is not None:
            self.documents[path] = document
        if document is None or built is None or findings:
            return
        if built.id != stem:
            what = f"the id is not the name of the file, '{stem}'"
            why = "a policy is found by its id; the file's name must not say something else"
            self.findings.append(
                _block("policy.id-is-not-file-name", document.place("id"), what, why, "rename the file or the id")
            )
            return
        self.models[kind][stem] = built

    def add_suite(self, path: Path) -> None:
        self.files[PolicyKind.SUITE, path.stem] = path
        try:
            suite = json.loads(
                path.read_bytes().decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
            )
        except (OSError, ValueError, RecursionError) as error:
            line, column = getattr(error, "lineno", 0), getattr(error, "colno", 0)
            what = "the suite is not plain JSON (repeated keys and NaN are not)"
            place = Place(str(path), line, column)
            self.findings.append(_block("policy.suite-unreadable", place, what, _FILE, "correct the JSON"))
            return
        if not isinstance(suite, dict):
            what = "the suite is not a JSON object"
            self.findings.append(_block("policy.suite-unreadable", Place(str(path)), what, _FILE, "correct the JSON"))
            return
        self.models[PolicyKind.SUITE][path.stem] = suite

    def library(self, root: Path) -> PolicyLibrary:
        return PolicyLibrary(
            root=root,
            datasets=self.models[PolicyKind.DATASET],
            releases=self.models[PolicyKind.RELEASE],
            hierarchies=self.models[PolicyKind.HIERARCHY],
            rulepacks=self.models[PolicyKind.RULEPACK],
            suites=self.models[PolicyKind.SUITE],
            files=self.files,
            documents=self.documents,
            findings=in_order(self.findings),
        )


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key for key, _ in pairs}) != len(pairs):
        msg = "repeated key"
        raise ValueError(msg)
    return dict(pairs)


def _no_constant(_: str) -> object:
    msg = "not a JSON number"
    raise ValueError(msg)


def _parse(data: bytes, file: str) -> tuple[Document | None, list[Finding]]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        what = "the file is not UTF-8"
        return None, [_block("policy.yaml-encoding", Place(file, line, column), what, _FILE, "save it as UTF-8")]
    found = list(_characters(text, file))
    return (None, found) if found else _tree(text, file)


def _tree(text: str, file: str) -> tuple[Document | None, list[Finding]]:
    composer = _Composer(file)
    try:
        # The strictest mode of the library: pure Python, no constructors. We take its events and build the tree.
        root = composer.compose(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        what = f"the YAML cannot be read: {error.problem or 'syntax'}"
        return None, [*composer.findings, _block("policy.yaml-syntax", place, what, _FILE, "correct the syntax there")]
    except (YAMLError, RecursionError):
        what = "the YAML cannot be read"
        return None, [*composer.findings, _block("policy.yaml-syntax", Place(file), what, _FILE, "correct the syntax")]
    except _StopReadingError:
        return None, composer.findings
    if root is None or not isinstance(root.value, Mapping):
        place = Place(file, 1, 1)
        what = "the file is empty" if root is None else "the file is not a mapping of keys"
        return None, [
            *composer.findings,
            _block("policy.yaml-not-a-mapping", place, what, _FILE, "write `schema: …` first"),
        ]
    return Document(file, root), composer.findings


def _characters(text: str, file: str) -> Iterator[Finding]:
    """Refuse a byte order mark, tabs and invisible characters, each at its place."""
    for number, line in enumerate(text.split("\n"), start=1):
        if number == 1 and line.startswith("\ufeff"):
            what = "the file begins with a byte order mark"
            yield _block("policy.yaml-bom", Place(file, 1, 1), what, _FILE, "save it as UTF-8 without BOM")
        if "\t" in line:
            place = Place(file, number, line.index("\t") + 1)
            fix = 'use spaces; inside text write "\\t"'
            yield _block("policy.yaml-tab", place, "a tab stands in the file", _SUBSET, fix)
        hidden = _INVISIBLE.search(line, 1 if number == 1 and line.startswith("\ufeff") else 0)
        if hidden:
            what = f"an invisible character (U+{ord(hidden.group()):04X}) stands in the file"
            why = "what a reviewer sees must be what the program reads"
            place = Place(file, number, hidden.start() + 1)
            yield _block("policy.yaml-invisible-character", place, what, why, "remove it")


def _is_empty(event: Event) -> bool:
    return isinstance(event, ScalarEvent) and event.style is None and event.tag is None and not event.value


class _StopReadingError(Exception):
    """Nothing more can be learned from this file."""


class _Composer:
    """Builds the tree from parser events, and collects what the subset refuses."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self._events: Iterator[Event] = iter(())

    def compose(self, events: Iterator[Event]) -> Node | None:
        self._events = events
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                self._document(event, documents)
            elif isinstance(event, (ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent)):
                root = self._node(event, 1)
        return root

    def _document(self, event: DocumentStartEvent, number: int) -> None:
        if number > 1:
            self._refuse(event, "yaml-documents", "the file holds more than one document", "one policy is one file")
            raise _StopReadingError
        if event.version or event.tags:
            self._refuse(event, "yaml-directive", "a %YAML or %TAG directive changes how the file is read", "remove it")

    def _node(self, event: Any, depth: int) -> Node:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if depth > MAX_DEPTH:
            self._refuse(event, "yaml-depth", f"values are nested more than {MAX_DEPTH} deep", "write it flatter")
            raise _StopReadingError
        if isinstance(event, AliasEvent):
            self._refuse(event, "yaml-alias", "an alias (*) repeats something from elsewhere", "write the value out")
            return Node(line, column, None)
        if event.anchor is not None:
            self._refuse(event, "yaml-anchor", "an anchor (&) names a value for reuse", "remove it; write values out")
        if event.tag is not None:
            self._refuse(event, "yaml-tag", "a tag (!) changes the type of a value", "remove it; use quotes for text")
        if isinstance(event, SequenceStartEvent):
            return Node(line, column, tuple(self._items(depth)))
        if isinstance(event, MappingStartEvent):
            return Node(line, column, self._mapping(depth))
        return Node(line, column, self._scalar(event))

    def _items(self, depth: int) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                return
            yield self._node(event, depth + 1)

    def _mapping(self, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event, depth)
            value = next(self._events)
            if _is_empty(value):
                # The parser places an empty value at the next token; the reader looks at its key.
                self._refuse(event, "yaml-empty-value", "a value is empty", "write a value, or remove the key")
                node = Node(event.start_mark.line + 1, event.start_mark.column + 1, None)
            else:
                node = self._node(value, depth + 1)
            if key is None:
                continue
            if key in entries:
                first = entries[key].line
                what = f"the key '{key}' is written twice (first on line {first})"
                self._refuse(event, "yaml-duplicate-key", what, "keep one of them")
                continue
            entries[key] = Entry(event.start_mark.line + 1, event.start_mark.column + 1, node)
        return entries

    def _key(self, event: Event, depth: int) -> str | None:
        if not isinstance(event, ScalarEvent):
            self._refuse(event, "yaml-key", "a key is not text", "write a word")
            self._node(event, depth + 1)
            return None
        before = len(self.findings)
        if event.style is None and event.value == "<<":
            self._refuse(event, "yaml-merge-key", "a merge key (<<) copies keys from elsewhere", "write the keys out")
            return None
        node = self._node(event, depth + 1)
        if len(self.findings) > before:
            return None
        if not isinstance(node.value, str):
            self._refuse(event, "yaml-key", "a key is not text", "put the key in quotes")
            return None
        return node.value

    def _scalar(self, event: ScalarEvent) -> Scalar:
        text = str(event.value)
        if event.style is not None or event.tag is not None:
            return text
        named: dict[str, Scalar] = {"true": True, "false": False, "null": None}
        if text in named:
            return named[text]
        if not text:
            self._refuse(event, "yaml-empty-value", "an item is empty", "write a value, or remove the item")
            return None
        if _INTEGER.fullmatch(text) and len(text) < 19:
            return int(text)
        if _DECIMAL.fullmatch(text) and len(text) < 19 and abs(float(text)) < 1e100:
            return float(text)
        if _AMBIGUOUS.fullmatch(text):
            fix = "put text in quotes; write numbers as 10 or 0.5, nothing as null"
            self._refuse(event, "yaml-ambiguous-scalar", "a plain value can be read in several ways", fix)
        return text

    def _refuse(self, event: Event, code: str, what: str, fix: str) -> None:
        place = Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        self.findings.append(_block(f"policy.{code}", place, what, _SUBSET, fix))
