"""JSON Schema of the policy files, for editors; `python -m policies.schema` writes it anew.

Editors complete keys and show errors with it. It is an aid: what decides is `load` and `check`.
"""

import json
from pathlib import Path
from typing import Any

from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy, RulePack
from policies.model.strictness import PolicyModel

FOLDER = Path(__file__).resolve().parent / "schema"

_KINDS: tuple[tuple[str, type[PolicyModel]], ...] = (
    ("dataset", DatasetPolicy),
    ("release", ReleasePolicy),
    ("hierarchy", HierarchyPolicy),
    ("rulepack", RulePack),
)

_ONE_OR_MANY = (("Column", "class"), ("ReleaseColumn", "treat"))


def schemas() -> dict[str, dict[str, object]]:
    """Return the JSON Schema (2020-12) of each kind of policy file, by kind."""
    return {
        kind: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:niji:schema:{kind}:v1",
            **_as_loaded(model.model_json_schema(by_alias=True)),
        }
        for kind, model in _KINDS
    }


def _as_loaded(schema: dict[str, Any]) -> dict[str, Any]:
    """Say what pydantic's schema cannot: lists that may be one item, and exact decimals that must be quoted."""
    definitions = schema.get("$defs", {})
    for owner, key in _ONE_OR_MANY:
        if owner in definitions:
            listed = definitions[owner]["properties"][key]
            definitions[owner]["properties"][key] = {"anyOf": [listed["items"], listed], "title": listed["title"]}
    quoted: dict[str, Any] = _quoted(schema)
    return quoted


def _quoted(part: Any) -> Any:
    if isinstance(part, list):
        return [_quoted(item) for item in part]
    if not isinstance(part, dict):
        return part
    union = part.get("anyOf", [])
    is_exact = [option.get("type") for option in union] == ["number", "string"]
    if is_exact:
        return {**part, "anyOf": [{**union[0], "type": "integer"}, union[1]]}
    return {key: _quoted(value) for key, value in part.items()}


def as_text(schema: dict[str, object]) -> str:
    """Return a schema as the text that is kept in the repository."""
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def write(folder: Path = FOLDER) -> tuple[Path, ...]:
    """Write all schemas into `folder`; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for kind, schema in schemas().items():
        file = folder / f"{kind}.json"
        file.write_text(as_text(schema), encoding="utf-8")
        files.append(file)
    return tuple(files)


if __name__ == "__main__":
    write()
