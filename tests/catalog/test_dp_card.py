"""The card of a differentially private release: an entry that the registry takes, and a checklist that claims nothing unproven.

`golden/dp_card/registry-schema.json` holds the registry's names, types and choices, written down from its own schema apart
from the model here; `entry_en.yaml` beside it is the entry of the release of `support/catalog_builders.py`. A change that is
meant: read the difference that the test shows, and put the new text there.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from anonymization.evidence import CheckKind, CheckResult
from catalog.dp_card import DpCard, Standing
from catalog.dp_card_build import CardFacts, build_card
from catalog.dp_card_files import CHECKLIST, as_yaml, card_files
from policies.errors import DataError
from policies.model.dp_queries import Statistic
from policies.sentences import Language

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = REPOSITORY / "tests" / "golden" / "dp_card"
LANGUAGES: tuple[Language, ...] = get_args(Language)
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
RUN_CHECKS = (
    "classified/rows_without_person",
    "protected/bounds_are_public",
    "protected/ledger.drawn_once",
    "protected/loss_within_charge",
    "published/custody.APPI-18",
    "published/restorable.DP-05",
    "validated/nothing_exact",
)
"""The checks of a run that the answers lean on."""
PARAMETERS = {
    "mechanism": "discrete_gaussian",
    "post_processing": {"people_by_sex": ["clamp0"]},
    "queries": [{"name": "people_by_sex", "statistic": "people", "error_95": 2.7718}],
}


def checks(failing: str = "", missing: str = "") -> list[tuple[str, CheckResult]]:
    return [
        (stage, CheckResult(name, CheckKind.RULE, passed=f"{stage}/{name}" != failing, blocking=True, what="holds"))
        for stage, _, name in (each.partition("/") for each in RUN_CHECKS)
        if f"{stage}/{name}" != missing
    ]


def facts(build: Any, **changes: Any) -> CardFacts:
    release = build.release("dp_statistics")
    made = CardFacts(
        release=release,
        budget=release.method.budget,
        datasets=[build.dataset()],
        evidence=replace(build.evidence("dp_statistics"), parameters=PARAMETERS),
        checks=checks(),
        charge_id="c" * 32,
        rho_cap="1",
        rho_charged="0.5",
        code_version="0.1.0",
        published_on=date(2026, 11, 20),
    )
    return replace(made, **changes)


@pytest.fixture
def card(build: Any) -> DpCard:
    return build_card(facts(build))


@pytest.fixture(scope="module")
def registry() -> jsonschema.Draft7Validator:
    schema = json.loads((GOLDEN / "registry-schema.json").read_text("utf-8"))
    return jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)


def read_yaml(content: bytes | str) -> Any:
    """Read YAML 1.1, as the registry does: there `1e-08` is a text."""
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)  # type: ignore[assignment]  # the setter takes a tuple
    return reader.load(content)


# --- the entry


@pytest.mark.parametrize("language", LANGUAGES)
def test_registry_takes_the_entry_as_it_is_written(
    card: DpCard, registry: jsonschema.Draft7Validator, language: Language
) -> None:
    files = card_files(card)
    from_yaml = read_yaml(files[f"dp_card/entry_{language}.yaml"])
    assert [error.message for error in registry.iter_errors(from_yaml)] == []
    assert from_yaml == json.loads(files[f"dp_card/entry_{language}.json"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("deployment", "dp_variant", "variant_name"), "zCDP"),
        (("deployment", "basic", "publication_date"), "20 November 2026"),
        (("deployment", "basic", "data_product_type"), "Table"),
        (("deployment", "administrative", "status"), "Final"),
        (("deployment", "privacy_loss", "epsilon"), 1.0),
    ],
)
def test_registry_refuses_what_its_form_does_not_know(
    card: DpCard, registry: jsonschema.Draft7Validator, path: tuple[str, ...], value: object
) -> None:
    body = json.loads(card_files(card)["dp_card/entry_en.json"])
    place = body
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert not registry.is_valid(body)


def test_entry_has_every_field_of_the_third_tier(card: DpCard, registry: jsonschema.Draft7Validator) -> None:
    asked: Mapping[str, Any] = registry.schema["properties"]["deployment"]["properties"]
    left_out = {"number_of_privacy_units", "model_name_details", "actors"}
    entry = card.en.deployment.model_dump(mode="json")
    for part in ("basic", "dp_variant", "privacy_loss", "deployment_model", "implementation", "administrative"):
        assert set(asked[part]["properties"]) - set(entry[part]) <= left_out, part


def test_losses_are_those_of_evidence_and_account(card: DpCard) -> None:
    loss = card.en.deployment.privacy_loss
    assert loss.privacy_parameters.model_dump() == {"epsilon": 2.31, "delta": 1e-6, "rho": 0.25}
    assert "rho=0.5 in all" in loss.privacy_parameters_details
    assert "±2.772" in card.en.deployment.implementation.utility
    # The cap's ε again, by the formula of Canonne, Kamath, Steinke 2020, proposition 7, for ρ = 1 and δ = 1e-6.
    orders = (1 + step / 1000 for step in range(1, 20_000))
    cap = min(a + math.log(1e6 / a) / (a - 1) + math.log1p(-1 / a) for a in orders)
    assert f"epsilon={math.ceil(cap * 10_000) / 10_000}" in loss.privacy_parameters_details


def test_every_statistic_of_the_policy_has_its_words(build: Any) -> None:
    for statistic in get_args(Statistic):
        queries = [{"name": "asked", "statistic": statistic, "error_95": 1.0}]
        evidence = replace(build.evidence("dp_statistics"), parameters={**PARAMETERS, "queries": queries})
        utility = build_card(facts(build, evidence=evidence)).ja.deployment.implementation.utility
        assert JAPANESE.search(utility.split("asked", 1)[1].split("は±")[0]), statistic


def test_entry_is_the_golden_one(card: DpCard) -> None:
    assert card_files(card)["dp_card/entry_en.yaml"].decode() == (GOLDEN / "entry_en.yaml").read_text("utf-8")


def test_english_is_english_and_japanese_is_japanese(card: DpCard) -> None:
    files = card_files(card)
    assert not JAPANESE.search(files["dp_card/entry_en.yaml"].decode())
    checklist = json.loads(files[CHECKLIST])
    for line in checklist["hazards"]:
        for text in (line["hazard"], line["answer"]):
            assert not JAPANESE.search(text["en"])
            assert JAPANESE.search(text["ja"])
    for part in ("data_domain", "unprotected_quantities"):
        assert JAPANESE.search(getattr(card.ja.deployment.dp_variant, part))


def test_release_without_a_loss_gets_no_card(build: Any) -> None:
    evidence = replace(build.evidence("dp_statistics"), rho=None)
    with pytest.raises(DataError) as refused:
        build_card(facts(build, evidence=evidence))
    assert refused.value.code == "dp.card-without-loss"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"])), st.floats(1e-12, 1e6))
def test_any_text_and_number_reads_back(text: str, number: float) -> None:
    body = {"name": text, "more": {"number": number, "list": [{"a": text, "b": "1e-8"}, "null"]}}
    assert read_yaml(as_yaml(body)) == body


# --- the checklist


def test_every_hazard_is_answered_once(card: DpCard) -> None:
    assert sorted(line.id for line in card.checklist) == [f"H{number:02}" for number in range(1, 19)]
    levels = [line.level.value for line in card.checklist]
    assert levels == sorted(levels, key=["guarantee", "algorithm", "base"].index)


def test_what_passed_is_proven_and_what_remains_is_said(card: DpCard) -> None:
    stated = {line.id for line in card.checklist if line.standing is Standing.STATED}
    assert stated == {"H03", "H09", "H11", "H16"}
    assert not [line.id for line in card.checklist if line.standing is Standing.FAILED]


@pytest.mark.parametrize("how", ["failing", "missing"])
@pytest.mark.parametrize("name", RUN_CHECKS)
def test_hazard_whose_check_is_not_there_or_failed_is_not_called_met(build: Any, name: str, how: str) -> None:
    found = build_card(facts(build, checks=checks(**{how: name}))).checklist
    failed = [line for line in found if line.standing is Standing.FAILED]
    assert failed
    assert all(name in line.proofs for line in failed)


def test_every_proof_is_a_check_a_rule_a_policy_field_or_a_test_that_is_there(build: Any, card: DpCard) -> None:
    rules = {rule.id for pack in build.library().rulepacks.values() for rule in pack.rules}
    for line in card.checklist:
        for proof in line.proofs:
            is_test = proof.startswith("tests/") and (REPOSITORY / proof).is_file()
            is_field = proof.startswith(("policy: ", "evidence: "))
            assert is_test or is_field or proof in rules or proof in {*RUN_CHECKS, "published/record.no_exact_count"}


@pytest.mark.parametrize(
    ("epsilon", "said"),
    [(0.5, "called strong"), (1.0, "called strong"), (2.3, "called reasonable"), (11.0, "called weak")],
)
def test_size_of_epsilon_is_said_and_never_praised(build: Any, epsilon: float, said: str) -> None:
    evidence = replace(build.evidence("dp_statistics"), epsilon=epsilon, parameters=PARAMETERS)
    found = {line.id: line for line in build_card(facts(build, evidence=evidence)).checklist}
    assert said in found["H03"].answer.en
    assert found["H03"].standing is Standing.STATED


@pytest.mark.parametrize(
    ("people", "said"), [(None, "no public number"), (90_000, "at most a tenth"), (200_000, "more than")]
)
def test_delta_is_held_against_the_public_number_of_people(build: Any, people: int | None, said: str) -> None:
    budget = facts(build).budget.model_copy(update={"people_at_most": people})
    found = {line.id: line for line in build_card(facts(build, budget=budget)).checklist}
    assert said in found["H03"].answer.en
