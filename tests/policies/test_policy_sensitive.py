"""Models of sensitive columns in policy files: told apart by `model:`, bounded, said in plain words, faults at their line."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from policies.canonical import digest, hierarchies_of
from policies.check import check
from policies.explain import explain
from policies.findings import Finding
from policies.load import load_release, read_library
from policies.model.method import Microdata
from policies.model.sensitive import (
    Closeness,
    Disclosure,
    DistinctL,
    Likeness,
    PositiveRecursiveL,
    SensitiveModel,
    WrittenModel,
    key_of,
    parameters_of,
)
from policies.sensitive_words import promise
from tests.support import policy_files as fixture

ON = date(2026, 12, 15)
OLD = "sensitive: [{column: outcome, l: 3}]"
MODELS = {
    "distinct_l": "{column: outcome, l: 3}",
    "entropy_l": "{model: entropy_l, column: outcome, l: 3.5}",
    "recursive_l": "{model: recursive_l, column: outcome, c: 4, l: 3}",
    "positive_recursive_l": "{model: positive_recursive_l, column: outcome, c: 4, l: 3, disclosable: [home]}",
    "t_closeness": "{model: t_closeness, column: outcome, t: 0.2}",
    "alpha_share": "{model: alpha_share, column: outcome, alpha: 0.5}",
    "beta_likeness": "{model: beta_likeness, column: outcome, beta: 2}",
    "delta_disclosure": "{model: delta_disclosure, column: outcome, delta: 1.5}",
}
ORDERED = "{model: t_closeness, column: outcome, t: 0.2, distance: ordered, order: [home, ward, dead]}"
IN_TREE = "{model: t_closeness, column: outcome, t: 0.2, distance: hierarchical, hierarchy: sex}"


def findings_of(folder: Path, *models: str) -> list[Finding]:
    text = "sensitive: [" + ", ".join(models) + "]"
    root = fixture.write_policies(folder, {fixture.MICRODATA: [(OLD, text)]})
    return [each for each in check(read_library(root), on=ON) if each.place.file.endswith("admissions.yaml")]


def loaded(folder: Path, *models: str) -> tuple[SensitiveModel, ...]:
    text = "sensitive: [" + ", ".join(models) + "]"
    root = fixture.write_policies(folder, {fixture.MICRODATA: [(OLD, text)]})
    method = load_release(root / fixture.MICRODATA).method
    assert isinstance(method, Microdata)
    return method.sensitive


def test_each_model_is_told_by_its_name_and_distinct_l_needs_none(tmp_path: Path) -> None:
    assert [each.model for each in loaded(tmp_path, *MODELS.values())] == list(MODELS)


def test_naming_the_usual_model_changes_no_digest(tmp_path: Path) -> None:
    policies = []
    for number, written in enumerate(("{column: outcome, l: 3}", "{l: 3, model: distinct_l, column: outcome}")):
        root = fixture.write_policies(tmp_path / str(number), {fixture.MICRODATA: [(OLD, f"sensitive: [{written}]")]})
        policies.append(load_release(root / fixture.MICRODATA))
    assert digest(policies[0]) == digest(policies[1])


# (what is written, what the message says)
FAULTS = [
    ("{model: t_closenes, column: outcome, t: 0.2}", "did you mean 't_closeness'?"),
    ("{model: t_closeness, column: outcome, tee: 0.2}", "known keys: model, column, t, distance, order, hierarchy"),
    ("{column: outcome, k: 3}", "known keys: model, column, l"),
    ("{column: outcome, l: 1}", "at least 2"),
    ("{model: entropy_l, column: outcome, l: 1.5}", "at least 2"),
    ("{model: entropy_l, column: outcome, l: .inf}", ""),
    ("{model: recursive_l, column: outcome, c: 0, l: 3}", "more than 0"),
    ("{model: positive_recursive_l, column: outcome, c: 4, l: 3}", "write `disclosable:`"),
    ("{model: positive_recursive_l, column: outcome, c: 4, l: 3, disclosable: []}", "at least 1"),
    ("{model: positive_recursive_l, column: outcome, c: 4, l: 3, disclosable: [home, home]}", "twice"),
    ("{model: t_closeness, column: outcome, t: 0}", "more than 0"),
    ("{model: t_closeness, column: outcome, t: 1}", "less than 1"),
    ("{model: alpha_share, column: outcome, alpha: 1}", "less than 1"),
    ("{model: beta_likeness, column: outcome, beta: -1}", "more than 0"),
    ("{model: delta_disclosure, column: outcome}", "write `delta:`"),
    ("{model: t_closeness, column: outcome, t: 0.2, distance: ordered}", "`order` belongs to"),
    ("{model: t_closeness, column: outcome, t: 0.2, order: numeric}", "`order` belongs to"),
    ("{model: t_closeness, column: outcome, t: 0.2, distance: ordered, order: [a, b, a]}", "twice"),
    ("{model: t_closeness, column: outcome, t: 0.2, distance: ordered, order: [a]}", "at least 2"),
    ("{model: t_closeness, column: outcome, t: 0.2, hierarchy: sex}", "`hierarchy` belongs to"),
    ("{model: t_closeness, column: outcome, t: 0.2, distance: tree}", "one of: equal, ordered, hierarchical"),
    ("outcome", "a mapping"),
]


@pytest.mark.parametrize(("written", "said"), FAULTS, ids=[f"fault{number}" for number in range(len(FAULTS))])
def test_a_fault_is_named_at_its_line_with_what_was_meant(written: str, said: str, tmp_path: Path) -> None:
    found = findings_of(tmp_path, written)
    assert found
    line = (tmp_path / fixture.MICRODATA).read_text("utf-8").splitlines()
    hits = [each for each in found if "sensitive:" in line[each.place.line - 1]]
    assert any(said in each.what + " " + each.fix for each in hits), [str(each) for each in found]


@pytest.mark.parametrize("written", [*MODELS.values(), ORDERED, IN_TREE])
def test_a_model_that_is_right_is_not_refused(written: str, tmp_path: Path) -> None:
    assert [
        str(each) for each in findings_of(tmp_path, written, "{column: outcome, l: 4}") if "twice" not in each.what
    ] == []


def test_several_models_on_several_columns_hold_together(tmp_path: Path) -> None:
    found = loaded(tmp_path, MODELS["distinct_l"], MODELS["t_closeness"], ORDERED, "{column: weight_kg, l: 3}")
    assert len({(each.column, key_of(each)) for each in found}) == 4


def test_a_release_rests_on_the_hierarchy_of_its_distance(tmp_path: Path) -> None:
    root = fixture.write_policies(
        tmp_path, {fixture.MICRODATA: [(OLD, f"sensitive: [{IN_TREE.replace('sex', 'outcomes')}]")]}
    )
    assert hierarchies_of(load_release(root / fixture.MICRODATA))[-1] == "outcomes"


def test_evidence_does_not_list_the_values_of_an_order() -> None:
    ordered = Closeness(model="t_closeness", column="s", t=0.2, distance="ordered", order=("a", "b"))
    assert parameters_of(ordered)["order"] == "listed"
    open_values = {"model": "positive_recursive_l", "column": "s", "c": 4.0, "l": 3, "disclosable": ("a", "b")}
    assert parameters_of(PositiveRecursiveL.model_validate(open_values)) == {**open_values, "disclosable": "listed"}
    assert parameters_of(DistinctL(column="s", l=3)) == {"model": "distinct_l", "column": "s", "l": 3}


@pytest.mark.parametrize("written", [*MODELS, "ordered", "hierarchical", "basic"])
def test_every_model_is_said_in_plain_words_of_both_languages(written: str) -> None:
    special: dict[str, SensitiveModel] = {
        "distinct_l": DistinctL(column="s", l=3),
        "ordered": Closeness(model="t_closeness", column="s", t=0.2, distance="ordered", order="numeric"),
        "hierarchical": Closeness(model="t_closeness", column="s", t=0.2, distance="hierarchical", hierarchy="tree"),
        "positive_recursive_l": PositiveRecursiveL(
            model="positive_recursive_l", column="s", c=4, l=3, disclosable=("home", "ward")
        ),
        "basic": Likeness(model="beta_likeness", column="s", beta=2, enhanced=False),
        "delta_disclosure": Disclosure(model="delta_disclosure", column="s", delta=1.5),
    }
    plain = {"model": written, "column": "s", "l": 3, "c": 4, "t": 0.2, "alpha": 0.5, "beta": 2}
    keys = {
        "entropy_l": "l",
        "recursive_l": "cl",
        "t_closeness": "t",
        "alpha_share": ("alpha",),
        "beta_likeness": ("beta",),
    }
    model = special.get(written) or TypeAdapter(WrittenModel).validate_python(
        {name: each for name, each in plain.items() if name in {"model", "column", *keys[written]}}
    )
    ja, en = promise(model, "転帰 (outcome)")
    assert "転帰 (outcome)" in ja
    assert "転帰 (outcome)" in en
    assert en.endswith(".")
    assert ja.endswith("。")
    assert "{" not in ja + en


def test_the_page_of_a_release_says_the_promise_of_its_models(tmp_path: Path) -> None:
    text = f"sensitive: [{MODELS['t_closeness']}, {MODELS['recursive_l']}]"
    root = fixture.write_policies(tmp_path, {fixture.MICRODATA: [(OLD, text)]})
    library = read_library(root)
    release = load_release(root / fixture.MICRODATA)
    assert "(t-closeness)" in explain(release, library=library, language="en")
    assert "t-近接性" in explain(release, library=library, language="ja")
    assert "3rd most frequent" in explain(release, library=library, language="en")
    assert "so that belonging to it tells little that is new" in explain(release, library=library, language="en")
    plain = read_library(fixture.write_policies(tmp_path / "plain"))
    assert "t-closeness" not in explain(plain.release("admissions"), library=plain, language="en")
