"""Places in Japan: postal codes, municipalities and addresses → … → prefecture → 地方 → `*`.

Which code lies where is in `anonymization.japan`; areas and inhabitants are the policy's. Nothing is guessed: what the
lists do not know is unseen.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from anonymization.hierarchy import ROOT, Rule
from anonymization.japan.municipality_codes import (
    Municipality,
    municipalities,
    municipality_of_address,
    municipality_of_code,
)
from anonymization.japan.postal_areas import DIGITS, prefectures_of
from anonymization.japan.prefectures import Prefecture
from policies.errors import PolicyError
from policies.model.code_ladders import PlaceLevels, PlaceStep, PostalCodeLevels

POOLED = "その他の市区町村 other municipalities"
"""What stands behind a prefecture's name for its small municipalities together."""
_POSTAL_FORM = re.compile(r"〒?\s*([0-9]{3})[-‐‑‒–—−ー]?([0-9]{4})")
_POSTAL_DIGITS = {"digits_5": 5, "digits_3": 3, "digits_2": 2, "digits_1": 1}
_BETWEEN = "・"
PlaceLabel = Callable[[Municipality], str | None]
"""From a municipality to its label at a step; None where the policy has none for it."""


def postal_rule(levels: PostalCodeLevels) -> Rule:
    """Return the rule for postal codes: with or without hyphen, 〒 and wide digits; level 0 is the seven digits."""
    return partial(_postal_labels, levels=levels)


def _postal_labels(value: str, *, levels: PostalCodeLevels) -> tuple[str, ...] | None:
    form = _POSTAL_FORM.fullmatch(unicodedata.normalize("NFKC", value).strip())
    if form is None or not prefectures_of("".join(form.groups())):
        return None
    code = "".join(form.groups())
    leading = code
    labels = []
    for step in levels.steps:
        if step in _POSTAL_DIGITS:
            leading = code[: _POSTAL_DIGITS[step]]
            labels.append(leading.ljust(DIGITS, "x"))
        else:
            # Of the digits of the level below, so that no prefix has two labels.
            labels.append(_names(prefectures_of(leading), is_region=step == "region"))
    return (code, *labels, ROOT)


def _names(prefectures: tuple[Prefecture, ...], *, is_region: bool) -> str:
    names = [prefecture.region if is_region else prefecture.name for prefecture in prefectures]
    return _BETWEEN.join(dict.fromkeys(names))


def place_rule(name: str, levels: PlaceLevels) -> Rule:
    """Return the rule for the codes of municipalities, or for addresses.

    A municipality that `areas` or `inhabitants` leave out is unseen.

    Raises:
        PolicyError: `areas` or `inhabitants` name a code that is no municipality (`policy.hierarchy-places`).
    """
    _require_codes(name, {**(levels.areas or {}), **(levels.inhabitants or {})})
    steps = tuple(_place_step(step, levels) for step in levels.steps)
    return partial(_place_labels, steps=steps, is_code=levels.kind == "municipality")


def place_rows(name: str, levels: PlaceLevels) -> list[tuple[str, ...]]:
    """Return a row for the code of each municipality that has its labels; addresses are known by rule."""
    if levels.kind == "address":
        return []
    rule = place_rule(name, levels)
    return [row for row in map(rule, municipalities()) if row is not None]


def _place_labels(value: str, *, steps: tuple[PlaceLabel, ...], is_code: bool) -> tuple[str, ...] | None:
    text = unicodedata.normalize("NFKC", value).strip()
    place = municipality_of_code(text) if is_code else municipality_of_address(text)
    if place is None:
        return None
    labels = [step(place) for step in steps]
    known = [label for label in labels if label is not None]
    return (place.code if is_code else value, *known, ROOT) if len(known) == len(labels) else None


def _place_step(step: PlaceStep, levels: PlaceLevels) -> PlaceLabel:
    if step == "medical_area":
        areas = levels.areas or {}
        return lambda place: areas.get(place.city.code)
    if step == "populous":
        return _populous(levels.inhabitants or {}, least=levels.least_inhabitants or 0)
    return _OF_THE_LIST[step]


def _populous(inhabitants: Mapping[str, int], *, least: int) -> PlaceLabel:
    pooled = pooled_codes(inhabitants, least=least)

    def label(place: Municipality) -> str | None:
        city = place.city
        if city.code not in inhabitants:
            return None
        return f"{city.prefecture.name} {POOLED}" if city.code in pooled else city.full_name

    return label


_OF_THE_LIST: Mapping[PlaceStep, PlaceLabel] = MappingProxyType(
    {
        "municipality": lambda place: place.full_name,
        "city": lambda place: place.city.full_name,
        "prefecture": lambda place: place.prefecture.name,
        "region": lambda place: place.prefecture.region,
    }
)


def pooled_codes(inhabitants: Mapping[str, int], *, least: int) -> frozenset[str]:
    """Return the codes that are joined within their prefecture: those of fewer inhabitants, and what it takes to fill up.

    A pool below `least` takes in the next larger municipality of the prefecture, until it reaches it or holds all. By
    the declared inhabitants alone, so the choice tells nothing about the data.
    """
    pooled = set[str]()
    for prefecture in sorted({code[:2] for code in inhabitants}):
        total = 0
        for people, code in sorted((people, code) for code, people in inhabitants.items() if code[:2] == prefecture):
            if people >= least and (total == 0 or total >= least):
                break
            pooled.add(code)
            total += people
    return frozenset(pooled)


def _require_codes(name: str, given: Mapping[str, object]) -> None:
    strange = set(given) - {place.city.code for place in municipalities().values()}
    if strange:
        raise PolicyError(
            "policy.hierarchy-places",
            what=f"hierarchy '{name}' gives {len(strange)} codes that are no municipality",
            why="areas and inhabitants are found by the municipality's code",
            fix="write five-digit codes, a designated city as a whole and not by its wards",
        )
