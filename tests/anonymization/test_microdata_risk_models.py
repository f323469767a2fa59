"""Microdata under risk models of its policy: promised in words, kept, recounted when protected and when validated."""

import pytest
from pydantic import ValidationError

from anonymization.microdata import protect_microdata
from anonymization.release_checks import recount_release
from anonymization.release_checks.surroundings import Surroundings
from catalog.check_titles import title_of_name
from catalog.dossier_risk import risk_lines
from tests.support.hospital_tables import hierarchies, microdata_release, sources

AVERAGE = {"model": "average_risk", "most": 0.45}
NO_ATTACK = {"model": "no_attack", "gain": 2.5, "cost": 1}


@pytest.fixture(scope="module")
def source():
    return sources()


@pytest.fixture(scope="module")
def protected(source):
    return protect_microdata(microdata_release(risks=[AVERAGE, NO_ATTACK]), source, hierarchies=hierarchies())


def test_the_release_says_what_it_promises_and_what_it_reaches(protected) -> None:
    evidence = protected.evidence
    assert [each["model"] for each in evidence.parameters["risks"]] == ["average_risk", "no_attack"]
    checks = {check.name: check for check in evidence.checks}
    assert checks["recount.average_risk"].passed
    assert checks["recount.average_risk"].measured["reached"] <= 0.45
    assert checks["recount.no_attack"].measured["hidden_among"] >= 3
    assert evidence.k is not None
    assert evidence.k >= 3
    assert "average re-identification risk" in evidence.guarantee.en
    assert "攻撃が割に合わない" in evidence.guarantee.ja


def test_without_the_models_less_would_be_hidden(source) -> None:
    plain = protect_microdata(microdata_release(), source, hierarchies=hierarchies())
    assert plain.evidence.k == 2
    assert "risks" not in plain.evidence.parameters


def test_what_leaves_is_recounted_and_doctored_rows_are_refused(protected, source) -> None:
    around = Surroundings(min_persons=2, hierarchies=hierarchies())
    checks = {check.name: check for check in recount_release(protected, source, around=around)}
    assert checks["recount.average_risk"].passed
    assert checks["recount.no_attack"].passed
    strict = microdata_release(risks=[{**NO_ATTACK, "gain": 10_000}])
    doctored = type(protected)(strict, protected.tables, protected.evidence)
    failed = {check.name for check in recount_release(doctored, source, around=around) if not check.passed}
    assert "recount.no_attack" in failed


def test_checks_and_figures_have_words(protected) -> None:
    for name in ("recount.average_risk", "recount.no_attack"):
        title = title_of_name(name)
        assert title is not None
        assert name not in {title.ja, title.en}
    shown = {line.name.en: line.after for line in risk_lines(protected.release, protected.evidence, ())}
    assert shown["average risk of a record"] == "≤ 0.45"
    assert shown["what an attack brings, less its cost"] == "< 0"


@pytest.mark.parametrize(
    ("risks", "more"),
    [
        ([{**NO_ATTACK, "attacker": "journalist"}], {}),
        ([AVERAGE, {**AVERAGE, "most": 0.1}], {}),
        ([AVERAGE], {"recoding": "local"}),
        ([{"model": "k_map", "k": 5}], {}),
        ([], {}),
    ],
)
def test_a_policy_cannot_ask_for_what_cannot_be_judged(risks: list, more: dict) -> None:
    with pytest.raises(ValidationError):
        microdata_release(risks=risks, **more)
