"""Kinds of hierarchy in policies: what contradicts itself does not load; every kind has its height and its digest."""

from pathlib import Path

import pytest

from policies.canonical import digest
from policies.errors import PolicyError
from policies.load import load_hierarchy
from policies.model.hierarchy import height_of_levels, open_class_from
from tests.support.hierarchies import built, hierarchy_policy

HEAD = """schema: niji/hierarchy/v1
id: made
version: 1.0.0
title: {ja: 試験, en: test}
source: written for this test
on_unseen: refuse
"""
REFUSED = {
    "years-backwards": "{kind: calendar, first_year: 2025, last_year: 2024, steps: [month]}",
    "week-in-month": "{kind: calendar, first_year: 2020, last_year: 2024, steps: [week, month]}",
    "era-before-the-solar-calendar": "{kind: calendar, first_year: 1870, last_year: 2024, steps: [era]}",
    "unknown-step": "{kind: calendar, first_year: 2020, last_year: 2024, steps: [moon]}",
    "cuts-fall": "{kind: ranges, cuts: [0, 10, 5]}",
    "cuts-of-a-half": "{kind: ranges, cuts: ['0', '2.5']}",
    "width-does-not-fit": "{kind: ranges, cuts: [0, 10], width: 3}",
    "width-beside-cuts": "{kind: ranges, cuts: [0, 5, 10], width: 5}",
    "too-many-numbers": "{kind: ranges, cuts: [0, 2000000]}",
    "repeat-of-one": "{kind: ranges, cuts: [0, 10], repeats: [1]}",
    "value-twice": "{kind: order, values: [a, b, a], fan_outs: [2]}",
    "value-is-the-root": "{kind: order, values: [a, '*'], fan_outs: [2]}",
    "hidden-falls": "{kind: redaction, length: 5, hidden: [3, 2]}",
    "all-hidden-below-the-root": "{kind: redaction, length: 5, hidden: [5]}",
    "domain-too-large": "{kind: redaction, length: 12, hidden: [5], alphabet: 36}",
    "keep-rises": "{kind: frequency, counts: {a: 2, b: 1}, keep: [1, 2], counted_in: public_statistics}",
    "other-is-a-value": "{kind: frequency, counts: {a: 2, b: 1}, keep: [1], other: a, counted_in: public_statistics}",
    "counted-in-data-in-silence": "{kind: frequency, counts: {a: 2, b: 1}, keep: [1], counted_in: data}",
    "nobody-says-where-counted": "{kind: frequency, counts: {a: 2, b: 1}, keep: [1]}",
    "ages-cross": "{kind: ages, steps: [ten_year, life_stage]}",
    "top-below-the-last-stage": "{kind: ages, steps: [five_year, life_stage], top_from: 65}",
    "top-above-the-oldest": "{kind: ages, steps: [five_year], top_from: 130}",
    "postal-steps-backwards": "{kind: postal_code, steps: [region, digits_3]}",
    "code-is-a-municipality": "{kind: municipality, steps: [municipality, prefecture]}",
    "areas-missing": "{kind: municipality, steps: [medical_area]}",
    "inhabitants-without-a-floor": "{kind: municipality, steps: [populous], inhabitants: {'01100': 5}}",
    "areas-and-pools": "{kind: municipality, steps: [medical_area, populous], areas: {'01100': a}, inhabitants: {'01100': 5}, least_inhabitants: 1}",
    "unknown-system": "{kind: codes, system: loinc}",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_levels_that_contradict_themselves_do_not_load(name: str, tmp_path: Path) -> None:
    file = tmp_path / "made.yaml"
    file.write_text(HEAD + f"levels: {REFUSED[name]}\n", encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        load_hierarchy(file)
    assert caught.value.where.line == 7, "the finding points at the levels"


HEIGHTS = [
    ({"kind": "calendar", "first_year": 2020, "last_year": 2020, "steps": ["month", "year"]}, 4),
    ({"kind": "ranges", "cuts": [0, 10, 20], "repeats": [2]}, 4),
    ({"kind": "order", "values": ["a", "b"], "fan_outs": [2]}, 3),
    ({"kind": "redaction", "length": 3, "hidden": [1, 2]}, 4),
    ({"kind": "frequency", "counts": {"a": 2, "b": 1}, "keep": [1], "counted_in": "public_statistics"}, 3),
    ({"kind": "ages", "steps": ["five_year", "ten_year"]}, 4),
    ({"kind": "postal_code", "steps": ["digits_3", "prefecture"]}, 4),
    ({"kind": "municipality", "steps": ["prefecture"]}, 3),
    ({"kind": "address", "steps": ["city", "region"]}, 4),
    ({"kind": "codes", "system": "icd9cm"}, 4),
    ({"kind": "intervals", "low": 0, "high": 9, "widths": [5]}, 3),
    ({"kind": "prefix", "lengths": [3, 1]}, 4),
    ({"kind": "icd10"}, 5),
    ({"kind": "date", "first_year": 2020, "last_year": 2020}, 5),
    ({"kind": "table", "rows": [["a", "*"]]}, 2),
]


@pytest.mark.parametrize(("levels", "height"), HEIGHTS, ids=lambda value: value["kind"] if isinstance(value, dict) else "")  # fmt: skip
def test_the_height_that_a_policy_is_checked_by_is_the_height_that_is_built(levels: dict, height: int) -> None:
    assert height_of_levels(hierarchy_policy(levels).levels) == built(levels).height == height


def test_a_later_optional_key_changes_no_digest() -> None:
    plain = hierarchy_policy({"kind": "icd10"})
    assert digest(plain) == digest(hierarchy_policy({"kind": "icd10"}, license=None))
    assert digest(plain) != digest(hierarchy_policy({"kind": "icd10"}, license="CC0-1.0"))


@pytest.mark.parametrize(
    ("levels", "top"),
    [
        ({"kind": "ages", "steps": ["five_year"], "top_from": 90}, 90),
        ({"kind": "ages", "steps": ["five_year"]}, None),
        ({"kind": "intervals", "low": 0, "high": 99, "widths": [5], "top_from": 85}, 85),
        ({"kind": "ranges", "cuts": [0, 40, 80], "above": "code"}, 80),
        ({"kind": "ranges", "cuts": [0, 40, 80]}, None),
        ({"kind": "icd10"}, None),
    ],
)
def test_rules_on_great_ages_know_the_open_class_of_every_kind(levels: dict, top: int | None) -> None:
    assert open_class_from(hierarchy_policy(levels).levels) == top
    if top is not None:
        made = built(levels).for_values([str(top), str(top + 30)])
        place = {leaf: number for number, leaf in enumerate(made.leaves)}
        known = [str(age) for age in (top, top + 30) if str(age) in place]
        assert {made.labels[1][place[age]] for age in known} == {f"{top}+"}
