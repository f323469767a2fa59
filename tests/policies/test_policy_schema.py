"""The JSON Schema for editors is fresh, and takes what the loader takes."""

import json
from pathlib import Path

import jsonschema
import pytest

from policies.load import kind_of, read_document
from policies.places import plain
from policies.schema import FOLDER, as_text, schemas, write
from tests.support import policy_files as fixture

YAML_FILES = [file for file in fixture.FILES if file.endswith(".yaml")]


@pytest.mark.parametrize("kind", sorted(schemas()))
def test_schema_file_is_fresh(kind: str) -> None:
    written = (FOLDER / f"{kind}.json").read_text(encoding="utf-8")
    assert written == as_text(schemas()[kind]), "run `python -m policies.schema`"


def test_every_schema_file_has_its_kind() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(schemas())


def test_write_makes_all_files(tmp_path: Path) -> None:
    assert [file.name for file in write(tmp_path)] == [
        "dataset.json",
        "release.json",
        "hierarchy.json",
        "rulepack.json",
    ]


def _validate(path: Path) -> None:
    document, findings = read_document(path)
    assert document is not None
    assert findings == []
    kind = kind_of(document)
    assert kind is not None
    jsonschema.Draft202012Validator(schemas()[kind.value]).validate(plain(document.root))


@pytest.mark.parametrize("file", YAML_FILES)
def test_editor_accepts_what_the_loader_accepts(file: str, tmp_path: Path) -> None:
    _validate(fixture.write_policies(tmp_path) / file)


@pytest.mark.parametrize("pack", sorted((FOLDER.parent / "rulepacks").glob("*.yaml")), ids=lambda path: path.stem)
def test_editor_accepts_the_rule_packs(pack: Path) -> None:
    _validate(pack)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (fixture.CLINIC, "acquisition_basis:", "aquisition_basis:"),
        (fixture.CLINIC, "role: person_key, required", "roles: person_key, required"),
        (fixture.STATISTICS, "release_rho: '0.25'", "release_rho: 0.25"),
        (fixture.MICRODATA, "op: to_prefecture", "op: to_city"),
    ],
)
def test_editor_refuses_what_the_loader_refuses(file: str, old: str, new: str, tmp_path: Path) -> None:
    with pytest.raises(jsonschema.ValidationError):
        _validate(fixture.write_policies(tmp_path, {file: [(old, new)]}) / file)
    assert json.dumps(schemas())
