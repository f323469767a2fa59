"""pydantic's errors → findings that a reviewer can act on, with the place of the key and no input value.

Belongs here: the wording. Does not: reading files, rules.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from policies.errors import Place
from policies.findings import Finding
from policies.places import Document, Found, Key, Node
from policies.subset import MAX_FINDINGS
from policies.vocabulary import Severity

_WHY_CLOSED = "policy files are closed: what the model does not know is refused, so that nothing is signed unread"
_WHY_TYPED = "a policy says exactly one thing; a value that must be guessed is refused"

_EXPECTED = {
    "string_type": "text (quote it if it looks like a number)",
    "int_type": "a whole number, without quotes",
    "float_type": "a number, without quotes",
    "bool_type": "`true` or `false`, without quotes",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "date_type": "a date such as 2026-12-01",
    "date_parsing": "a real date such as 2026-12-01",
    "date_from_datetime_parsing": "a real date such as 2026-12-01",
    "date_from_datetime_inexact": "a date without a time, such as 2026-12-01",
    "decimal_parsing": "a quoted decimal such as '0.5'",
    "decimal_type": "a quoted decimal such as '0.5'",
    "finite_number": "a finite number",
}


def complaints(error: ValidationError, *, document: Document, model: type[BaseModel]) -> Iterator[Finding]:
    """Translate the errors of one file, one by one; several about one value become one finding.

    Args:
        error: What pydantic raised. Its inputs are not read.
        document: The file, for places.
        model: The model that was asked for; its keys are suggested for misspelled ones.
    """
    details = error.errors(include_url=False, include_input=False)
    locations = [tuple(detail["loc"]) for detail in details]
    merged: dict[tuple[Key, ...], list[Mapping[str, Any]]] = {}
    above = {location[:length] for location in locations for length in range(len(location))}
    for detail, location in zip(details, locations, strict=True):
        # A list of which every item is wrong is not too short as well.
        is_echo = detail["type"] == "too_short" and location in above
        if not is_echo:
            where = document.find(location).keys
            merged.setdefault((*where, "+" + str(location[-1])) if detail["type"] == "missing" else where, []).append(
                detail
            )
    for group in islice(merged.values(), MAX_FINDINGS):
        yield _finding(group, document=document, model=model)


def _finding(group: Sequence[Mapping[str, Any]], *, document: Document, model: type[BaseModel]) -> Finding:
    detail = group[0]
    kind, location = str(detail["type"]), tuple(detail["loc"])
    found = document.find(location)
    place = Place(document.file, found.line, found.column)
    if kind == "missing":
        return _missing(str(location[-1]), found, place)
    if kind == "extra_forbidden":
        return _unknown(str(location[-1]), place, _keys_at(model, location[:-1]))
    if kind in {"union_tag_not_found", "union_tag_invalid", "unknown_tag"}:
        return _tag(kind, detail["ctx"], found, document)
    name = _name(found.keys)
    if kind == "value_error":
        return _block("policy.invalid", place, f"{name}: {detail['ctx']['error']}", _WHY_TYPED, "correct the value")
    expected = " or ".join(dict.fromkeys(_expected(each) for each in group))
    fix = _nearest(found.node, group)
    return _block("policy.invalid-value", place, f"{name} must be {expected}", _WHY_TYPED, fix)


def _block(code: str, place: Place, what: str, why: str, fix: str) -> Finding:
    return Finding(rule=code, severity=Severity.BLOCK, place=place, what=what, why=why, fix=fix)


def _missing(key: str, found: Found, place: Place) -> Finding:
    above = f" in {_name(found.keys)}" if found.keys else ""
    return _block(
        "policy.missing-key",
        place,
        f"the key '{key}' is missing{above}",
        "nothing is assumed where the policy is silent",
        f"write `{key}:`",
    )


def _unknown(key: str, place: Place, known: tuple[str, ...]) -> Finding:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    listed = f"known keys: {', '.join(known)}" if known else "remove the key"
    return _block("policy.unknown-key", place, f"'{key[:64]}' is not a key here", _WHY_CLOSED, hint + listed)


def _tag(kind: str, context: Mapping[str, Any], found: Found, document: Document) -> Finding:
    key = str(context["discriminator"]).strip("'")
    if kind == "union_tag_not_found":
        return _missing(key, found, Place(document.file, found.line, found.column))
    tag = document.find((*found.keys, key))
    allowed = [word.strip("'") for word in str(context["expected_tags"]).split(", ")]
    fix = _suggest(tag.node, allowed) or "choose one of them"
    place = Place(document.file, tag.line, tag.column)
    return _block("policy.invalid-value", place, f"'{key}' must be one of: {', '.join(allowed)}", _WHY_CLOSED, fix)


_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "too_short": ("of length at least", "min_length"),
    "string_too_short": ("of length at least", "min_length"),
    "too_long": ("of length at most", "max_length"),
    "string_too_long": ("of length at most", "max_length"),
}


def _expected(detail: Mapping[str, Any]) -> str:
    kind, context = str(detail["type"]), detail.get("ctx", {})
    if kind in {"enum", "literal_error"}:
        return f"one of: {', '.join(_words(context['expected']))}"
    if kind == "string_pattern_mismatch":
        return f"written like {context['pattern']}"
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"{words} {context[bound]}"
    return _EXPECTED.get(kind, f"valid ({kind})")


def _words(expected: object) -> list[str]:
    return [word.strip("' ") for word in str(expected).replace(" or ", ", ").split(", ")]


def _nearest(node: Node, group: Sequence[Mapping[str, Any]]) -> str:
    allowed = [
        word
        for detail in group
        if detail["type"] in {"enum", "literal_error"}
        for word in _words(detail["ctx"]["expected"])
    ]
    return _suggest(node, allowed) or "correct the value"


def _suggest(node: Node, allowed: Sequence[str]) -> str:
    """Name the allowed word nearest to what was written, without quoting what was written."""
    near = difflib.get_close_matches(node.value, allowed, n=1) if isinstance(node.value, str) else []
    return f"did you mean '{near[0]}'?" if near else ""


def _name(keys: tuple[Key, ...]) -> str:
    """Write a path as people do: `tables[2].columns[0].class`."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return f"'{text.lstrip('.')}'" if text else "the file"


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


def _keys_at(model: type[BaseModel], location: tuple[Key, ...]) -> tuple[str, ...]:
    """Return the keys that the model allows at `location`, by walking its JSON Schema."""
    schema = _schema(model)
    definitions = schema.get("$defs", {})
    candidates: list[Mapping[str, Any]] = [schema]
    for key in location:
        candidates = [step for candidate in candidates for step in _steps(_options(candidate, definitions), key)]
    keys = [
        name
        for candidate in candidates
        for option in _options(candidate, definitions)
        for name in option.get("properties", {})
    ]
    return tuple(dict.fromkeys(keys))


def _options(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Follow references and unions down to the plain schemas."""
    if "$ref" in schema:
        return _options(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    union = schema.get("oneOf") or schema.get("anyOf")
    if union:
        return [option for part in union for option in _options(part, definitions)]
    return [schema]


def _steps(options: Sequence[Mapping[str, Any]], key: Key) -> list[Mapping[str, Any]]:
    if isinstance(key, int):
        return [option["items"] for option in options if "items" in option]
    inside = [option["properties"][key] for option in options if key in option.get("properties", {})]
    # A key that no option has is the tag of a union: it chooses the option whose discriminating constant it is.
    return (
        inside
        or [
            option
            for option in options
            if any(property_.get("const") == key for property_ in option.get("properties", {}).values())
        ]
        or list(options)
    )
