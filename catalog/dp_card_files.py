"""The files of a card: an entry of the registry in each language, as YAML and JSON, and the checklist.

    dp_card/entry_en.yaml entry_ja.yaml   the entry as the registry takes it: one deployment a YAML file
    dp_card/entry_en.json entry_ja.json   the same
    dp_card/checklist.json                the hazards with their answers, in both languages

YAML is written here and read nowhere: nested mappings in block form, texts in double quotes,
which the registry's own check of quoting takes.
"""

import json
from collections.abc import Iterator

from catalog.dp_card import DpCard
from policies.sentences import Language

FOLDER = "dp_card"
CHECKLIST = f"{FOLDER}/checklist.json"
CHECKLIST_FORMAT = "niji/dp-checklist/v1"
_LANGUAGES: tuple[Language, ...] = ("ja", "en")


def card_files(card: DpCard) -> dict[str, bytes]:
    """Return the files by their path in a dossier's folder."""
    files = {}
    for language in _LANGUAGES:
        body = card.entry(language).model_dump(mode="json")
        files[f"{FOLDER}/entry_{language}.yaml"] = as_yaml(body).encode("utf-8")
        files[f"{FOLDER}/entry_{language}.json"] = _as_json(body)
    lines = [line.model_dump(mode="json") for line in card.checklist]
    after = "NIST SP 800-226 (March 2025), in our own words; not a form of NIST's"
    files[CHECKLIST] = _as_json({"schema": CHECKLIST_FORMAT, "after": after, "hazards": lines})
    return files


def as_yaml(body: dict[str, object]) -> str:
    """Write nested mappings as YAML 1.1 and 1.2 alike; the registry's loader reads 1.1."""
    return "\n".join(_mapping(body, "")) + "\n"


def _mapping(body: dict[str, object], indent: str) -> Iterator[str]:
    for name, value in body.items():
        yield from _entry(f"{indent}{name}:", value, f"{indent}  ")


def _entry(head: str, value: object, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield head
        yield from _mapping(value, indent)
    elif isinstance(value, list):
        yield head
        for one in value:
            yield from _item(one, indent)
    else:
        yield f"{head} {_scalar(value)}"


def _item(value: object, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        first, *rest = _mapping(value, f"{indent}  ")
        yield f"{indent}- {first.lstrip()}"
        yield from rest
    else:
        yield f"{indent}- {_scalar(value)}"


def _scalar(value: object) -> str:
    if isinstance(value, float):
        # YAML 1.1 takes 1e-08 for a text; with a point it is a number in both versions.
        mantissa, _, exponent = repr(value).partition("e")
        return repr(value) if not exponent else f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}"
    return json.dumps(value, ensure_ascii=False)


def _as_json(body: object) -> bytes:
    return (json.dumps(body, ensure_ascii=False, indent=2) + "\n").encode("utf-8")
