"""The path language of a FHIR mapping: how one scalar is found in a resource.

    path   = step ("." step)* ["." "reference()"]
    step   = key ("[" index "]" | "[" path "=" value "]")*

Keys are joined by dots. `[n]` takes one element, counted from 0. `[key=value]` takes the first element whose key (itself
a path) has that value; the value runs to the closing bracket and is not quoted. `reference()` strips a Reference to its
bare id. A path that does not resolve is null; a path that ends on an object, or steps into a list without saying which
element, is an error of the mapping and refuses the row.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from pipelines.sources.quarantine import Reason
from policies.errors import PolicyError

Json = object

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_REFERENCE = "reference()"


@dataclass(frozen=True, slots=True)
class Key:
    """Step to the value of a key."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """Step to one element of a list."""

    position: int


@dataclass(frozen=True, slots=True)
class Where:
    """Step to the first element of a list whose value at `path` is `value`."""

    path: "Path"
    value: str


@dataclass(frozen=True, slots=True)
class BareId:
    """Strip a Reference, or the text of one, to the bare id."""


Path = tuple[Key | Index | Where | BareId, ...]


class Unresolvable(Exception):  # noqa: N818 - not an error that reaches people; it becomes a reason code
    """The path does not fit the shape of the resource."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.value)


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """Compile a path of a mapping.

    Raises:
        PolicyError: `policy.bad-fhir-path`.
    """
    steps, end = _parse(text, 0, stop="")
    if end != len(text) or not steps:
        raise _bad(text, end)
    if BareId() in steps[:-1]:
        raise _bad(text, text.index(_REFERENCE))
    return steps


def _parse(text: str, start: int, *, stop: str) -> tuple[Path, int]:
    steps: list[Key | Index | Where | BareId] = []
    at = start
    while True:
        if text.startswith(_REFERENCE, at) and steps:
            steps.append(BareId())
            at += len(_REFERENCE)
        else:
            match = _KEY.match(text, at)
            if match is None:
                raise _bad(text, at)
            steps.append(Key(match[0]))
            at = match.end()
            while at < len(text) and text[at] == "[":
                step, at = _bracket(text, at)
                steps.append(step)
        if at == len(text) or (stop and text[at] == stop):
            return tuple(steps), at
        if text[at] != ".":
            raise _bad(text, at)
        at += 1


def _bracket(text: str, start: int) -> tuple[Index | Where, int]:
    index = re.compile(r"\[([0-9]{1,6})\]").match(text, start)
    if index is not None:
        return Index(int(index[1])), index.end()
    path, at = _parse(text, start + 1, stop="=")
    end = text.find("]", at)
    if at == len(text) or end < 0 or end == at + 1:
        raise _bad(text, at)
    return Where(path, text[at + 1 : end]), end + 1


def _bad(text: str, at: int) -> PolicyError:
    return PolicyError(
        "policy.bad-fhir-path",
        what=f"the path '{text}' cannot be read from character {at + 1} on",
        why="a mapping's path is keys joined by dots, [n], [key=value] and reference() at the end",
        fix="correct the path in the table's `mapping`",
    )


def resolve(path: Path, resource: Json) -> str | None:
    """Return the text of the scalar at `path`, or None if it does not resolve.

    Numbers keep the digits they were written with; booleans become `true` and `false`.

    Raises:
        Unresolvable: The path steps into a list without an index, or ends on an object or a list.
    """
    value = _walk(path, resource)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        return value
    raise Unresolvable(Reason.NOT_A_SCALAR)


def _walk(path: Path, value: Json) -> Json:
    for step in path:
        if value is None:
            return None
        value = _step(step, value)
    return value


def _step(step: Key | Index | Where | BareId, value: Json) -> Json:
    if isinstance(step, Key):
        if isinstance(value, list):
            raise Unresolvable(Reason.PATH_NEEDS_INDEX)
        return value.get(step.name) if isinstance(value, dict) else None
    if isinstance(step, BareId):
        return bare_id(value)
    if not isinstance(value, list):
        return None
    if isinstance(step, Index):
        return value[step.position] if step.position < len(value) else None
    return next((item for item in value if _walk(step.path, item) == step.value), None)


def bare_id(value: Json) -> str | None:
    """Return the id in a Reference: of `Patient/7`, `https://host/fhir/Patient/7/_history/2`, `urn:uuid:7` or `#7`.

    A conditional reference (`Patient?identifier=…`) names no id: None.
    """
    text = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(text, str) or not text or "?" in text:
        return None
    if text.startswith("urn:"):
        return text.rsplit(":", 1)[1] or None
    return text.split("/_history/", 1)[0].rsplit("/", 1)[-1].removeprefix("#") or None
