"""One policy file → tree → model: opened safely, read strictly, validated; each fault with its place.

Belongs here: what holds for a single file. Does not: folders (`shelf`), the doors that others use (`load`).
"""

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from policies.complaints import complaints
from policies.errors import Place
from policies.findings import Finding
from policies.library import PolicyKind
from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy, RulePack
from policies.places import Document, plain
from policies.subset import MAX_BYTES, WHY_FILE, block, unseen_characters
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
    """Read a file of policies: a regular file of bounded size, or nothing and why.

    Never waits (for the other end of a pipe, for a device), and never reads more than the limit.
    """
    try:
        # Opened before it is looked at, so that what is looked at is what is read; without O_NONBLOCK a pipe would wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None, [_unreadable(path)]
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            what = "this is not a file (it is a folder, a pipe or a device)"
            return None, [block("policy.not-a-file", Place(str(path)), what, WHY_FILE, "put a text file there")]
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        return None, [_unreadable(path)]
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        what = f"the file has more than {MAX_BYTES:,} bytes"
        fix = "move long tables into a hierarchy file"
        return None, [block("policy.yaml-too-large", Place(str(path)), what, WHY_FILE, fix)]
    return data, []


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


def _unreadable(path: Path) -> Finding:
    fix = "check path and rights"
    return block("policy.unreadable", Place(str(path)), "the file cannot be read", WHY_FILE, fix)
