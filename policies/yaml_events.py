"""Any text → tree, or what is wrong with it: the only place where a YAML library reads.

ruamel.yaml gives parser events, nothing more; the tree is built here, and everything that has two readings is refused
at its line and column. Everything wrong in one file is collected.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

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

from policies.errors import Place
from policies.findings import Finding
from policies.places import Document, Entry, Node, Scalar
from policies.subset import (
    AMBIGUOUS,
    MAX_DEPTH,
    MAX_FINDINGS,
    UNSEEN_IN_QUOTES,
    WHY_FILE,
    WHY_SUBSET,
    block,
    invisible,
    meaning_of,
)


def read_strictly(text: str, file: str) -> tuple[Document | None, list[Finding]]:
    """Read any text into a tree, and what the subset refuses in it; None where there is no tree to speak of."""
    composer = _Composer(file)
    try:
        # The strictest mode of the library: pure Python, no constructors. We take its events and build the tree.
        root = composer.compose(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        what = f"the YAML cannot be read: {_named(error.problem)}"
        return None, [
            *composer.findings,
            block("policy.yaml-syntax", place, what, WHY_FILE, "correct the syntax there"),
        ]
    except (YAMLError, RecursionError, ValueError, AttributeError, IndexError, TypeError):
        # The library ends in bare Python errors for some malformed texts; to a reader they are all the same.
        what = "the YAML cannot be read"
        return None, [
            *composer.findings,
            block("policy.yaml-syntax", Place(file), what, WHY_FILE, "correct the syntax"),
        ]
    except _StopReadingError:
        return None, composer.findings
    if root is None or not isinstance(root.value, Mapping):
        place = Place(file, 1, 1)
        what = "the file is empty" if root is None else "the file is not a mapping of keys"
        return None, [
            *composer.findings,
            block("policy.yaml-not-a-mapping", place, what, WHY_FILE, "write `schema: …` first"),
        ]
    return Document(file, root), composer.findings


def _named(problem: str | None) -> str:
    """Return what the library says, without words of the file."""
    return re.sub(r"(['\"])(?!<)[^'\"]{2,}\1", "…", problem or "syntax")


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
                what = f"the key '{key[:64]}' is written twice (first on line {first})"
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
            unseen = UNSEEN_IN_QUOTES.search(text)
            if unseen:
                # An escape such as "\u202e" or "\x00" brings in what may not stand in the file.
                place = Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
                self._add(invisible(place, unseen.group()))
            return text
        if not text:
            self._refuse(event, "yaml-empty-value", "an item is empty", "write a value, or remove the item")
            return None
        meaning = meaning_of(text)
        if meaning is AMBIGUOUS:
            fix = "put text in quotes; write numbers as 10 or 0.5, nothing as null"
            self._refuse(event, "yaml-ambiguous-scalar", "a plain value can be read in several ways", fix)
            return text
        return meaning

    def _refuse(self, event: Event, code: str, what: str, fix: str) -> None:
        place = Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        self._add(block(f"policy.{code}", place, what, WHY_SUBSET, fix))

    def _add(self, finding: Finding) -> None:
        self.findings.append(finding)
        if len(self.findings) > MAX_FINDINGS:
            raise _StopReadingError
