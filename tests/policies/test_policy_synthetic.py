"""Policies of synthetic people: what is refused by form, what rules find, and how they are said."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from policies.check import check
from policies.differences import differences
from policies.direction import Direction, direction_of
from policies.load import load_library
from policies.sentences import say_method
from tests.support import tiny_deployment as tiny
from tests.support.asked_synthetic import AGE, HAS, SAID, SEX, VISITS, asked
from tests.support.synthetic_release import FILE, policy_of, write_policies_of

ON = date(2026, 12, 15)
MEANS = {"criterion": "conditional_means", "of": "age", "by": ["sex"], **SAID}
FACES = {"criterion": "face_privacy", "columns": ["sex"], "rows_at_least": 2, **SAID}
NEAR = {"criterion": "faithfulness", "columns": ["sex", "age"], "differing_at_most": 1, **SAID}


def test_a_whole_policy_passes_with_every_criterion() -> None:
    line = {"criterion": "regression", "of": "age", "on": ["sex", "visits"], **SAID}
    made = asked(
        acceptance=[MEANS, line, NEAR, FACES], selection={"rounds": 2}, selection_share="0.1", columns_share="0.3"
    )
    assert len(made.paid) == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns_share": "0.5"}, "must sum to 1"),
        ({"cliques": []}, "need a `cliques_share`"),
        ({"cliques": [["sex", "age"], ["age", "sex"]]}, "paid twice"),
        ({"cliques": [["sex", "nowhere"]]}, "not in `columns`"),
        ({"cliques": [["sex", "sex"]]}, "not in `columns`"),
        ({"columns": [SEX, SEX, AGE, VISITS, HAS]}, "twice in `columns`"),
        ({"columns": [{**SEX, "values": ["f", "f"]}, AGE, VISITS, HAS]}, "twice in `values`"),
        ({"columns": [{k: v for k, v in SEX.items() if k != "source"}, AGE, VISITS, HAS]}, "source"),
        ({"columns": [SEX, {**AGE, "edges": ["18", "0"]}, VISITS, HAS]}, "must rise"),
        ({"columns": [SEX, {**AGE, "grid": "7"}, VISITS, HAS]}, "multiple of `grid`"),
        ({"columns": [SEX, {**AGE, "edges": [0.5, "18"]}, VISITS, HAS]}, "quoted decimal"),
        ({"columns": [SEX, AGE, VISITS, {**HAS, "values": ["yes", "no"]}]}, "values no and yes"),
        ({"columns": [SEX, AGE, VISITS, {**HAS, "title": None}]}, "`title`"),
        (
            {"columns": [SEX, AGE, {**VISITS, "feature": {"table": "v", "of": "rows", "value": "x"}}, HAS]},
            "takes no `value`",
        ),
        ({"columns": [SEX, AGE, VISITS, {**HAS, "feature": {"table": "v", "of": "has", "value": "x"}}]}, "needs them"),
        ({"impossible": [{"columns": ["sex"], "combinations": [["m", "x"]], "source": "code list"}]}, "as many labels"),
        ({"selection": {"rounds": 3}}, "`selection_share`"),
        ({"acceptance_share": None, "cliques_share": "0.6"}, "must be paid"),
        ({"acceptance": [FACES]}, "pays for nothing"),
        ({"acceptance": [{**MEANS, "of": "sex", "by": ["age"]}]}, "column of numbers"),
        ({"acceptance": [{**MEANS, "by": ["sex", "age"]}]}, "one twice"),
        ({"acceptance": [{**MEANS, "criterion": "raw_distance"}]}, "criterion"),
        ({"acceptance": [{k: v for k, v in MEANS.items() if k != "source"}]}, "source"),
        ({"seed": 7}, "[Ee]xtra"),
        ({"unit": "row"}, "person"),
        ({"budget": {"population": "demo"}}, "release_rho"),
    ],
)
def test_what_is_not_public_or_not_paid_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        asked(**changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_policies_of(tmp_path_factory.mktemp("synthetic") / "policies")


def found(folder: Path, *changes: tuple[str, str]) -> Iterator[str]:
    tiny.write(folder / FILE, policy_of(*changes))
    for one in check(load_library(folder), on=ON, paths=[folder / FILE]):
        yield f"{one.rule}: {one.what}"


def test_the_whole_policy_has_no_finding(folder: Path) -> None:
    assert list(found(folder)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("table: patients\n  columns", "table: optouts\n  columns"),
            "CONS-02: 'optouts' is not a person or event table",
        ),
        ((", feature: {table: visits, of: rows}}", "}"), "CONS-02: 'visits' is not a column"),
        (
            (
                "kind: labels, column: ward, values: [A, B, C]",
                "kind: numbers, column: ward, edges: ['0', '9'], grid: '1'",
            ),
            "CONS-02: 'ward' is not a number",
        ),
        (("{table: visits, of: rows}", "{table: optouts, of: rows}"), "CONS-02: 'optouts' is not a table"),
        (("of: greatest, value: year", "of: greatest, value: code"), "CONS-02: 'code' is not a number"),
        (("of: has, value: code", "of: has, value: letter"), "CONS-02: 'letter' is not a column of 'visits'"),
        (
            ("columns: [sex, ward, has_x], differing_at_most: 1", "columns: [sex], differing_at_most: 1"),
            "DP-02: every row differs",
        ),
        (("output_category: synthetic", "output_category: statistics"), "method"),
        (("population: clinic", "population: others"), "DP-01"),
        (("delta: '0.00000001'", "delta: '0.0001'"), "DP-02"),
    ],
)
def test_rules_find_what_the_form_cannot_see(folder: Path, change: tuple[str, str], said: str) -> None:
    findings = list(found(folder, change))
    assert any(said in each for each in findings), findings


def test_a_marginal_too_large_to_draw_is_found(folder: Path) -> None:
    edges = json.dumps([str(n) for n in range(1001)])
    wide = ("edges: ['0', '1', '3', '6']", f"edges: {edges}")
    other = ("edges: ['2020', '2023', '2026']", f"edges: {edges}")
    one = found(folder, wide, other, ("[[sex, ward], [visits, has_x]]", "[[visits, last_year]]"))
    assert any(each.startswith("DP-02: the marginal over 'visits', 'last_year' has 1,002,001 cells") for each in one)


def test_it_is_said_in_both_languages() -> None:
    made = asked(acceptance=[MEANS, NEAR, FACES], selection={"rounds": 2}, selection_share="0.1", columns_share="0.3")
    en, ja = (" ".join(say_method(made, language, names={"sex": "x"})) for language in ("en", "ja"))
    assert len(say_method(made, "en")) == len(say_method(made, "ja"))
    for words in ("No real person's row leaves", "30% of the loss", "how many rows of visits", "rho=0.5", "at no loss"):
        assert words in en
    for words in ("実在の人の行は一つも出ない", "損失の 20%", "払った損失は戻らない"):
        assert words in ja


def test_a_change_has_its_direction() -> None:
    def directions(**changes: object) -> list[Direction]:
        old, new = (one.model_dump(mode="json") for one in (asked(), asked(**changes)))
        return [direction_of(one) for one in differences({"method": old}, {"method": new})]

    assert directions(cliques=[["sex", "age"], ["visits", "has_x"], ["sex", "has_x"]]) == [Direction.LOOSER]
    assert directions(title={"ja": "別名", "en": "Another name"}) == [Direction.WORDING]
    assert directions(acceptance=[MEANS]) == [Direction.CHANGED, Direction.CHANGED]
