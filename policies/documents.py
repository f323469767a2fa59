"""One policy file → tree → model: opened safely, read strictly, validated; each fault with its place.

Belongs here: what holds for a single file. Does not: folders (`shelf`), the doors that others use (`load`).
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from policies.complaints import complaints
from policies.errors import Place, PolicyError
from policies.files import read_file
from policies.findings import Finding
from policies.library import PolicyKind
from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy, RulePack
from policies.places import Document, plain
from policies.subset import WHY_FILE, block, unseen_characters
from policies.yaml_quick import read_quickly

MODELS: Mapping[PolicyKind, type[BaseModel]] = {
    PolicyKind.DATASET: DatasetPolicy,
    PolicyKind.RELEASE: ReleasePolicy,
    PolicyKind.HIERARCHY: HierarchyPolicy,
    PolicyKind.RULEPACK: RulePack,
}


def read_document(path: Path) -> tuple[Document | None, list[Finding]]:
    """Read one file into a tree, and what is wrong with its YAML; None where there is no tree to speak of."""
    data, found = read_bytes(path)
    return parse(data, str(path)) if data is not None else (None, found)


def read_bytes(path: Path) -> tuple[bytes | None, list[Finding]]:
    """Read a file of policies: a regular file of bounded size, or nothing and why."""
    try:
        return read_file(path), []
    except PolicyError as error:
        return None, [block(error.code, error.where, error.what, error.why, error.fix)]


def parse(data: bytes, file: str) -> tuple[Document | None, list[Finding]]:
    """Read the bytes of a file into a tree; `file` is its name in messages."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        what = "the file is not UTF-8"
        return None, [block("policy.yaml-encoding", Place(file, line, column), what, WHY_FILE, "save it as UTF-8")]
    found = list(unseen_characters(text, file))
    if found:
        return None, found
    root = read_quickly(text)
    if root is not None:
        return Document(file, root), []
    # Only files that are wrong, or written in an unusual way, pay for the library.
    from policies.yaml_events import read_strictly

    return read_strictly(text, file)


def kind_of(document: Document) -> PolicyKind | None:
    """Return which kind of policy a file says it is, by its `schema:` key (`niji/release/v1`)."""
    value = document.find(("schema",)).node.value
    match = re.fullmatch(r"niji/(dataset|release|hierarchy|rulepack)/v\d+", value) if isinstance(value, str) else None
    return PolicyKind(match.group(1)) if match else None


def build(document: Document, model: type[BaseModel], *, tainted: list[Finding]) -> tuple[Any, list[Finding]]:
    """Make the model from the tree; complaints about lines refused already wait for the next reading."""
    if any(finding.rule == "policy.yaml-invisible-character" for finding in tainted):
        return None, []
    text = json.dumps(plain(document.root), ensure_ascii=False)
    try:
        return model.model_validate_json(text, strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        refused = {finding.place.line for finding in tainted}
        found = complaints(error, document=document, model=model)
        return None, [finding for finding in found if finding.place.line not in refused]


def read_policy(path: Path, model: type[BaseModel]) -> tuple[Document | None, Any, tuple[Finding, ...]]:
    """Read one file as a `model`: its tree, the model if it is in order, and what is wrong."""
    document, findings = read_document(path)
    if document is None:
        return None, None, tuple(findings)
    built, more = build(document, model, tainted=findings)
    return document, built, (*findings, *more)
