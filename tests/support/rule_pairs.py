"""The register of fixture pairs: for each rule something that breaks it, and a corrected twin that does not.

A pair is written in one of two ways. A pair of *policies* is an entry of a YAML file in `tests/policies/pairs/`, which a
reviewer can read: what is edited in a policy that holds every rule, where the finding must stand, and the edits of
the corrected twin. `test_policy_pairs.py` runs them all. A pair of *data* is a test in Python, which marks itself:

    @pair(rule="APPI-24", violation="V04")
    def test_age_104_is_refused_and_90_or_over_passes() -> None: ...

Such a test shows both sides: the data that break the rule are refused, the corrected ones pass. Marks are found by
reading the sources, so the register is complete without importing a test; so their arguments are literal. `rule` is
the id of a pack's rule, or the `policy.…` code of a fault that no pack names; `violation` is the case of the reference
(V01 to V29) that it shows.
"""

import ast
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML

from policies.load import PACKAGED
from tests.support import policy_files

TESTS = Path(__file__).resolve().parent.parent
PAIRS = TESTS / "policies" / "pairs"
VIOLATIONS = tuple(f"V{number:02}" for number in range(1, 30))
"""The violations that a checker must catch (reference, section 4.4)."""
ON = date(2026, 12, 15)
"""The day of a pair that names none."""
WORKED = Path(__file__).resolve().parent / "worked"
BASES = ("fixture", "shipped", "worked")
"""`fixture`: the small folder of tests/support/policy_files.py. `shipped`: the policies in the repository. `worked`: the
examples in tests/support/worked, which keep the rules of a certified maker, of a study, and of partners abroad."""

_KEYS = {"name", "rule", "violation", "base", "on", "place", "violating", "corrected"}
_Test = TypeVar("_Test", bound=Callable[..., object])


def pair(*, rule: str, violation: str = "") -> Callable[[_Test], _Test]:
    """Mark a test that shows both data that break `rule` and a corrected twin; may be put on a test several times."""
    if not rule or (violation and violation not in VIOLATIONS):
        raise ValueError(f"{rule!r}, {violation!r}: a pair names a rule, and V01 to V29 or nothing")

    def mark(test: _Test) -> _Test:
        return test

    return mark


@dataclass(frozen=True, slots=True)
class Registered:
    """That a pair exists: which rule and violation it shows, and where it is written."""

    rule: str
    violation: str
    where: str


@dataclass(frozen=True, slots=True)
class FilePair:
    """A pair of policies: edits of a folder that break a rule, and edits that keep it.

    `violating` and `corrected` map a file to (old, new) replacements, each found exactly once; a file that is not in
    the base is written with the single `new` text whose `old` is empty. `place` is the file and a part of the line.
    """

    name: str
    rule: str
    violation: str
    base: str
    on: date
    place: tuple[str, str]
    violating: policy_files.Changes
    corrected: policy_files.Changes
    source: str

    def write(self, folder: Path, changes: policy_files.Changes) -> Path:
        """Write the base folder with changes; return it."""
        source = {"shipped": PACKAGED, "worked": WORKED}.get(self.base)
        if source is not None:
            for kind in ("datasets", "releases", "hierarchies", "quality"):
                shutil.copytree(source / kind, folder / kind)
        else:
            policy_files.write_policies(folder)
        for file, edits in changes.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_edited(path, edits), "utf-8")
        return folder


def _edited(path: Path, edits: Any) -> str:
    if not path.exists():
        ((old, text),) = edits
        if old:
            raise ValueError(f"{path.name} is not in the base folder; write it with an empty `old`")
        return str(text)
    text = path.read_text("utf-8")
    for old, new in edits:
        if text.count(old) != 1:
            raise ValueError(f"{old!r} is {text.count(old)} times in {path.name}, not once")
        text = text.replace(old, new)
    return text


@cache
def file_pairs() -> tuple[FilePair, ...]:
    """Read every pair of policies, in the order of the files."""
    return tuple(
        _file_pair(entry, path.name)
        for path in sorted(PAIRS.glob("*.yaml"))
        for entry in YAML(typ="safe", pure=True).load(path.read_text("utf-8")) or ()
    )


def _file_pair(entry: Mapping[str, Any], source: str) -> FilePair:
    name = str(entry.get("name", "?"))
    unknown = set(entry) - _KEYS
    violation = str(entry.get("violation", ""))
    base = str(entry.get("base", "fixture"))
    if unknown or base not in BASES or (violation and violation not in VIOLATIONS):
        raise ValueError(f"{source}, pair {name!r}: {sorted(unknown) or base or violation} is not known")
    on = entry.get("on", ON)
    return FilePair(
        name=name,
        rule=str(entry["rule"]),
        violation=violation,
        base=base,
        on=on if isinstance(on, date) else date.fromisoformat(on),
        place=(str(entry["place"]["file"]), str(entry["place"]["line"])),
        violating=_changes(entry["violating"]),
        corrected=_changes(entry.get("corrected") or {}),
        source=source,
    )


def _changes(edits: Mapping[str, Any]) -> policy_files.Changes:
    return {
        file: tuple((str(each.get("old", "")), str(each["new"])) for each in each_file)
        for file, each_file in edits.items()
    }


def registered() -> tuple[Registered, ...]:
    """Return every pair that there is, of policies and of data."""
    written = [
        Registered(each.rule, each.violation, f"policies/pairs/{each.source}: {each.name}") for each in file_pairs()
    ]
    return (*written, *_marked())


@cache
def _marked() -> tuple[Registered, ...]:
    return tuple(
        found for path in sorted(TESTS.rglob("test_*.py")) for found in marks_of(path.read_text("utf-8"), path)
    )


def marks_of(source: str, path: Path) -> Iterator[Registered]:
    """Find the pairs that a test file marks.

    Raises:
        ValueError: A mark has arguments that are not literal, or stands on something that is not a test.
    """
    for node in ast.walk(ast.parse(source)):
        for mark in getattr(node, "decorator_list", ()):
            if not isinstance(mark, ast.Call) or ast.unparse(mark.func).split(".")[-1] != "pair":
                continue
            told = {keyword.arg: ast.literal_eval(keyword.value) for keyword in mark.keywords}
            where = f"{path.name}:{mark.lineno}"
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                raise ValueError(f"{where}: only a test is a pair")
            yield Registered(told["rule"], told.get("violation", ""), where)
