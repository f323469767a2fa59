"""Read a table of diseases: the small one that ships with Niji, or a user's `mondo.obo`, OBO graph or CSV.

Nothing is repaired: a broken line, an unknown parent or a cycle refuses the file. Messages name lines and ids of
diseases. Source of the formats: OBO flat file format 1.4; OBO Graphs JSON (geneontology/obographs).
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from policies.decision.files import load_strictly
from policies.decision.mondo import Diseases
from policies.errors import DataError, Place
from policies.model.strictness import PolicyModel, Text

MAX_BYTES = 400_000_000
"""The whole of Mondo is about 50 MB as OBO and 150 MB as JSON; what is far larger is something else."""
SHIPPED = Path(__file__).resolve().with_name("mondo.yaml")
ROOT = "MONDO:0000001"
_ID = re.compile(r"MONDO:[0-9]{7}")
# A line may end in qualifiers `{source="…"}` and in a comment `! name`; the id stands before both.
_IS_A = re.compile(r"(MONDO:[0-9]{7}|(?!(?i:MONDO))[A-Za-z][\w.]*:[^\s{}!]+)(?:\s*\{.*\})?(?:\s*!.*)?")
_IRI = "http://purl.obolibrary.org/obo/MONDO_"


class _Disease(PolicyModel):
    id: Annotated[str, Field(pattern=r"^MONDO:[0-9]{7}$")]
    ja: str
    en: str
    parents: tuple[Annotated[str, Field(pattern=r"^MONDO:[0-9]{7}$")], ...]
    is_partial: bool = False


class _Table(PolicyModel):
    schema_: Annotated[Literal["niji/diseases/v1"], Field(alias="schema")]
    source: str
    read_on: str
    diseases: Annotated[tuple[_Disease, ...], Field(min_length=1)]


@dataclass(slots=True)
class _Found:
    """What was read so far; `lines` says where a disease was declared."""

    file: str
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    labels: dict[str, Text] = field(default_factory=dict)

    def add(self, disease: str, parents: Iterable[str], *, label: str, line: int) -> None:
        if disease in self.parents:
            raise _wrong("twice", f"{disease} is declared twice", "declare each disease once", Place(self.file, line))
        self.parents[disease] = tuple(dict.fromkeys(parents))
        self.lines[disease] = line
        if label:
            self.labels[disease] = Text(ja=label, en=label)


@cache
def shipped_diseases() -> Diseases:
    """Return the small table that ships with Niji: areas of disease and common examples, each verified."""
    table = load_strictly(SHIPPED, _Table)
    found = _Found("mondo.yaml")
    for each in table.diseases:
        found.add(each.id, each.parents, label="", line=0)
        found.labels[each.id] = Text(ja=each.ja, en=each.en)
    _refuse_cycles(found)
    partial = frozenset(each.id for each in table.diseases if each.is_partial)
    return Diseases(found.parents, partial, found.labels, f"{table.source} ({table.read_on})")


def read_diseases(path: Path) -> Diseases:
    """Read Mondo from a file: `*.obo`, `*.json` (an OBO graph) or `*.csv` (child,parent).

    Obsolete terms and parents of other ontologies are left out. In a CSV, a parent without a line of its own (other than
    the root of Mondo) is taken as partly known.

    Raises:
        DataError: `mondo.…`: the file cannot be read, is too large, is not of a known form, has no term, a term twice,
            a parent that it does not declare, or a cycle.
    """
    readers: Mapping[str, Callable[[Path], _Found]] = {".obo": _obo, ".json": _graph, ".csv": _pairs}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _wrong(
            "form", "the file's name does not say its form", "name it *.obo, *.json or *.csv", Place(str(path))
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            fix = "give mondo.obo, or a part of it"
            raise _wrong("too-large", f"the file has more than {MAX_BYTES:,} bytes", fix, Place(str(path)))
        found = reader(path)
    except (OSError, UnicodeDecodeError, RecursionError):
        raise _wrong(
            "unreadable", "the file cannot be read as UTF-8 text", "check path and rights", Place(str(path))
        ) from None
    if not found.parents:
        raise _wrong("no-terms", "the file declares no term of Mondo", "give mondo.obo", Place(str(path)))
    partial = _undeclared(found, is_partial_allowed=path.suffix.lower() == ".csv")
    _refuse_cycles(found)
    return Diseases(found.parents, partial, found.labels, path.name)


def _obo(path: Path) -> _Found:
    found = _Found(str(path))
    with path.open(encoding="utf-8") as file:
        for line, stanza in _stanzas(file):
            _term(found, stanza, line)
    return found


def _stanzas(lines: Iterable[str]) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Yield each [Term] with the number of its first line; headers and other stanzas are passed over."""
    stanza: list[tuple[int, str]] | None = None
    first = 0
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        if text.startswith("["):
            if stanza is not None:
                yield first, stanza
            stanza, first = ([] if text == "[Term]" else None), number
        elif stanza is not None and text:
            stanza.append((number, text))
    if stanza is not None:
        yield first, stanza


def _term(found: _Found, stanza: Iterable[tuple[int, str]], line: int) -> None:
    disease, label, parents = "", "", []
    for number, text in stanza:
        key, _, value = text.partition(":")
        value = value.strip()
        if key == "id":
            disease, line = value, number
        elif key == "name":
            label = value
        elif key == "is_obsolete" and value.startswith("true"):
            return
        elif key == "is_a":
            match = _IS_A.fullmatch(value)
            if match is None:
                fix = "write `is_a: MONDO:0000001`"
                raise _wrong("line", "an `is_a` line names no parent", fix, Place(found.file, number))
            if _ID.fullmatch(match.group(1)):
                parents.append(match.group(1))
    if _ID.fullmatch(disease):
        found.add(disease, parents, label=label, line=line)


def _graph(path: Path) -> _Found:
    found = _Found(str(path))
    try:
        body = json.loads(path.read_bytes())
        graphs = body["graphs"]
        nodes = [node for graph in graphs for node in graph.get("nodes", ())]
        edges = [edge for graph in graphs for edge in graph.get("edges", ())]
        alive = [node for node in nodes if not (node.get("meta") or {}).get("deprecated") and _curie(node["id"])]
        parents: dict[str, list[str]] = {}
        for edge in edges:
            child, parent = _curie(edge["sub"]), _curie(edge["obj"])
            if edge["pred"] == "is_a" and child and parent:
                parents.setdefault(child, []).append(parent)
        for node in alive:
            disease = _curie(node["id"])
            found.add(disease, parents.get(disease, ()), label=str(node.get("lbl") or ""), line=0)
    except (ValueError, TypeError, KeyError, AttributeError):
        fix = "give mondo.json as Mondo publishes it"
        raise _wrong("form", "the file is not an OBO graph in JSON", fix, Place(str(path))) from None
    return found


def _curie(iri: object) -> str:
    text = str(iri)
    curie = f"MONDO:{text.removeprefix(_IRI)}" if text.startswith(_IRI) else text
    return curie if _ID.fullmatch(curie) else ""


def _pairs(path: Path) -> _Found:
    found = _Found(str(path))
    parents: dict[str, list[str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and cells == ["child", "parent"]):
                continue
            is_pair = len(cells) == 2 and _ID.fullmatch(cells[0]) and (not cells[1] or _ID.fullmatch(cells[1]))
            if not is_pair:
                fix = "write two ids such as MONDO:0005148,MONDO:0005015; nothing after the comma for the root"
                raise _wrong("line", "a line is not a pair of child and parent", fix, Place(found.file, number))
            found.lines.setdefault(cells[0], number)
            parents.setdefault(cells[0], []).extend(cells[1:] if cells[1] else ())
    found.parents.update({child: tuple(dict.fromkeys(above)) for child, above in parents.items()})
    return found


def _undeclared(found: _Found, *, is_partial_allowed: bool) -> frozenset[str]:
    missing: set[str] = set()
    for child, parents in found.parents.items():
        for parent in parents:
            if parent in found.parents:
                continue
            if not is_partial_allowed:
                what = f"{child} has the parent {parent}, which the file does not declare"
                place = Place(found.file, found.lines.get(child, 0))
                raise _wrong("unknown-parent", what, "give the whole of Mondo", place)
            missing.add(parent)
    found.parents.update(dict.fromkeys(missing, ()))
    return frozenset(missing - {ROOT})


def _refuse_cycles(found: _Found) -> None:
    """Walk from every disease upwards; a disease that is met again on the same way up is above itself."""
    done: set[str] = set()
    for start in found.parents:
        way: dict[str, None] = {}
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            disease, is_left = waiting.pop()
            if is_left:
                del way[disease]
                done.add(disease)
            elif disease in way:
                place = Place(found.file, found.lines.get(disease, 0))
                what = f"{disease} lies above itself"
                raise _wrong("cycle", what, "remove one parent of the circle", place)
            elif disease not in done:
                way[disease] = None
                waiting.append((disease, True))
                waiting += [(parent, False) for parent in found.parents.get(disease, ())]


def _wrong(code: str, what: str, fix: str, where: Place) -> DataError:
    why = "whether a disease lies below another decides who may have the data"
    return DataError(f"mondo.{code}", what=what, why=why, fix=fix, where=where)
