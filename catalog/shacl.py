"""Check a catalog graph against SHACL shapes: our own, or a folder of official files.

The answer names severity, node, path and message, never a literal of the graph. Not here: building the graph
(`dcat.py`).
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pyshacl import validate as run_shacl
from pyshacl.errors import ReportableRuntimeError
from rdflib import BNode, Graph, URIRef
from rdflib.exceptions import ParserError
from rdflib.namespace import OWL, RDF, SH
from rdflib.term import Node

from policies.errors import DataError, Place, UsageError

OWN_SHAPES = Path(__file__).parent / "shapes"


class ShaclSeverity(StrEnum):
    """How bad a finding is; only a violation makes a graph invalid."""

    VIOLATION = "Violation"
    WARNING = "Warning"
    INFO = "Info"


@dataclass(frozen=True, slots=True)
class ShaclFinding:
    """One finding: severity, the node it is about (`_` for a nameless one), the property, what the shape says."""

    severity: ShaclSeverity
    focus: str
    path: str
    message: str

    def as_json(self) -> dict[str, object]:
        """Return the finding as plain JSON values."""
        return {
            "severity": self.severity.value,
            "focus": self.focus,
            "path": self.path,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class ShaclReport:
    """All findings, worst first; `dropped_shapes` counts malformed property shapes that were left out."""

    findings: tuple[ShaclFinding, ...]
    dropped_shapes: int = 0

    @property
    def violations(self) -> tuple[ShaclFinding, ...]:
        """The findings that make the graph invalid."""
        return tuple(finding for finding in self.findings if finding.severity is ShaclSeverity.VIOLATION)

    @property
    def conforms(self) -> bool:
        """Whether there is no violation."""
        return not self.violations


def validate(graph: Graph, *, shapes_dir: Path | None = None) -> ShaclReport:
    """Check `graph` against every Turtle file in `shapes_dir`, or against our own shapes.

    Imports named in shape files are not fetched: nothing here opens the network. Property shapes without a path stop
    pySHACL; they are left out and counted.

    Raises:
        UsageError: The folder has no Turtle file.
        DataError: A shape file is unreadable, or not made of well-formed shapes.
    """
    shapes = load_shapes(shapes_dir or OWN_SHAPES)
    dropped = _drop_pathless(shapes)
    try:
        _, results, _ = run_shacl(graph, shacl_graph=shapes, advanced=False, do_owl_imports=False, inplace=False)
    except ReportableRuntimeError:
        raise DataError(
            "catalog.shapes",
            what="the shapes cannot be run",
            why="a shape in them is not well formed",
            fix="use the official files as they are, or mend the shape",
            where=Place(str(shapes_dir or OWN_SHAPES)),
        ) from None
    return ShaclReport(_findings(results), dropped)


def load_shapes(folder: Path) -> Graph:
    """Read every Turtle file of a folder into one graph, without `owl:imports`.

    Raises:
        UsageError: There is none.
        DataError: One is unreadable.
    """
    files = sorted(folder.glob("*.ttl"))
    if not files:
        raise UsageError(
            "catalog.no-shapes",
            what="the folder of shapes has no Turtle file",
            why="a graph checked against nothing is not checked",
            fix="give a folder with *.ttl shape files",
            where=Place(str(folder)),
        )
    shapes = Graph()
    for file in files:
        try:
            shapes.parse(file, format="turtle")
        except (ParserError, OSError, SyntaxError):
            raise DataError(
                "catalog.shapes",
                what="a shape file is not readable as Turtle",
                why="it is damaged, or another format",
                fix="fetch it again",
                where=Place(str(file)),
            ) from None
    shapes.remove((None, OWL.imports, None))
    return shapes


def _drop_pathless(shapes: Graph) -> int:
    pathless = {shape for shape in shapes.objects(None, SH.property) if (shape, SH.path, None) not in shapes}
    for shape in pathless:
        shapes.remove((None, SH.property, shape))
    return len(pathless)


def _findings(results: Graph) -> tuple[ShaclFinding, ...]:
    nested = set(results.objects(None, SH.detail))
    found = {
        ShaclFinding(
            _severity(results.value(result, SH.resultSeverity)),
            _name(results.value(result, SH.focusNode)),
            _name(results.value(result, SH.resultPath)),
            _message(results, result),
        )
        for result in results.subjects(RDF.type, SH.ValidationResult)
        if result not in nested
    }
    order = list(ShaclSeverity)
    return tuple(sorted(found, key=lambda f: (order.index(f.severity), f.focus, f.path, f.message)))


def _severity(node: Node | None) -> ShaclSeverity:
    name = str(node).rsplit("#", 1)[-1] if node is not None else "Violation"
    return ShaclSeverity(name) if name in set(ShaclSeverity) else ShaclSeverity.VIOLATION


def _name(node: Node | None) -> str:
    return str(node) if isinstance(node, URIRef) else "_" if isinstance(node, BNode) else ""


def _message(results: Graph, result: Node) -> str:
    component = _name(results.value(result, SH.sourceConstraintComponent)).rsplit("#", 1)[-1]
    shape = results.value(result, SH.sourceShape)
    written = results.value(shape, SH.message) if shape is not None else None
    return f"{component}: {written}" if written is not None else component
