"""Mutation test of the shipped policies: what protects people cannot be taken away or loosened without a named finding.

Every mutant changes one thing (`tests/support/policy_mutants.py`). It is killed when the check of the whole folder names
a rule or a fault that it did not name before, or when the model refuses the value at its place. What survives is listed
here with the reason why people are protected all the same, or why the law leaves the choice; anything else fails.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import pytest
from pydantic import BaseModel, ValidationError

from policies.check import check
from policies.library import PolicyLibrary
from policies.load import PACKAGED, read_library
from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy
from tests.support.policy_mutants import Mutant, dataset_mutants, hierarchy_mutants, release_mutants

ON = date(2026, 12, 1)

_UNUSED = "the column is in no output and no statistic names it: `aggregate_only` gives away as little as `drop_column`"
_COUNTED = "k, l and the suppression limit are enforced on the data at whatever level: what is too fine is not released"
_PUBLIC_KEYS = "noise is added to the cells of public keys only; a value that is none of them is counted nowhere"
_HIDDEN = "cells are hidden by their counts at whatever level; finer labels hide more"
_CONSENTED = "personal data that people agreed to share may be given as they are; the law asks consent, not coarseness"
_SAID_TWICE = "no rule asks for the clause: what it says is among the prohibited uses, or in the retention"
_BY_CHOICE = "the release follows this regime by choice: no law or house rule asks for the pack"
_OTHER_ARTICLE = "the file meets the conditions of this article, too: a contract, an academic holder and recipient"

EQUIVALENT: dict[str, str] = {
    # What does not leave.
    r"admissions-anonymized \w+\.(patient_no|seq|diagnosis_ja|lab_date): used instead of dropped": _UNUSED,
    r"admissions-statistics patients\.address: used instead of dropped": _UNUSED,
    r"admissions-statistics admissions\.(admission_id|emergency|outcome|height_cm|weight_kg): used instead of dropped": _UNUSED,
    r"cohort-controlled \w+\.(height_cm|weight_kg|diagnosis_ja): used instead of dropped": _UNUSED,
    r"cohort-frequencies samples\.(collected_on|sex|age_band|phenotype): used instead of dropped": _UNUSED,
    r"diagnoses-by-region patients\.(sex|birth_date): used instead of dropped": _UNUSED,
    r"diagnoses-by-region diagnoses\.(admission_id|seq|diagnosis_ja|is_primary): used instead of dropped": _UNUSED,
    r"admissions-anonymized diagnoses\.seq: (kept|pseudonymized instead of dropped)": "an ordinary column: a running number",
    # What is protected by what is measured on the data.
    r"admissions-anonymized \w+\.(birth_date|address|admit_date|discharge_date): generalized to level 0 only": _COUNTED,
    r"admissions-anonymized patients\.address: without generalize": _COUNTED,
    r"admissions-anonymized admissions\.discharge_date: (without (top_code|generalize)|top ten times higher)": _COUNTED,
    r"admissions-anonymized \w+\.(height_cm|weight_kg|value): rounded ten times finer": (
        "no rule sets a grid: the number is still rounded, and outliers are cut at both ends"
    ),
    r"stay levels\.top_from: \S+": _COUNTED,
    r"admissions-statistics patients\.birth_date: generalized to level 1 only": _PUBLIC_KEYS,
    r"admissions-statistics admissions\.admit_date: (without truncate_date|truncated to \w+)": _PUBLIC_KEYS,
    r"admissions-statistics method\.budget\.release_rho: \S+ \(double\)": "within the population's cap, which is what is promised",
    r"diagnoses-by-region diagnoses\.icd10: (without generalize|generalized to level \d only)": _HIDDEN,
    r"diagnoses-by-region patients\.address: (without generalize|generalized to level 0 only)": _HIDDEN,
    r"diagnoses-by-region patients\.address: without to_prefecture": (
        "the hierarchy knows prefectures only and suppresses every other text; stage 4 leaves no more of an address anyway"
    ),
    # What the law leaves open.
    r"cohort-controlled \w+\.(sample_id|patient_no|admission_id): keyed pseudonym of the project": (
        "personal data may carry coded ids of the project; the recount compares the codes of releases (APPI-23)"
    ),
    r"cohort-controlled samples\.collected_on: truncated to \w+": _CONSENTED,
    r"cohort-controlled \w+\.(height_cm|weight_kg|diagnosis_ja): (kept|pseudonymized instead of dropped)": _CONSENTED,
    r"cohort-controlled provision_basis: (law|public_health|academic_joint|academic_recipient|outsourcing)_27_\w+": _OTHER_ARTICLE,
    r"cohort-controlled R-001: a company": "the consent text speaks of companies",
    r"admissions-anonymized R-\d+: a (company|recipient abroad)": (
        "anonymized information is no personal data: articles 27 and 28 do not ask who receives it, the contract binds it"
    ),
    r"admissions-anonymized clause (no_contact|no_onward_transfer|research_only|delete_at_end): gone": _SAID_TWICE,
    r"cohort-controlled clause (no_onward_transfer|no_removed_information|research_only|delete_at_end): gone": _SAID_TWICE,
    r"admissions-anonymized without pack cells-ema": _BY_CHOICE,
    r"admissions-statistics without pack cells-(ndb|sdc)": _BY_CHOICE,
    r"cohort-frequencies without pack ethics": _BY_CHOICE,
    r"diagnoses-by-region without pack cells-dpc": _BY_CHOICE,
    r"cohort population: gone": "no differentially private release draws on it; one that did would be refused (DP-01)",
    # What a stage refuses, because only the data show it.
    r"(admissions|cohort) consent\.register\.(consented|refused|withdrawn): gone": (
        "a decision code that the policy does not explain stops stage 3 (policies/model/dataset.py, Register)"
    ),
}
"""Survivors by a pattern over `policy what`, each with the reason why nothing need be refused."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant: the rules that killed it, none if it lives."""

    mutant: Mutant
    killers: tuple[str, ...]

    @property
    def name(self) -> str:
        """The mutant as patterns match it."""
        return f"{self.mutant.policy} {self.mutant.what}"


def _mutants(library: PolicyLibrary) -> Iterator[tuple[str, type[BaseModel], Mutant]]:
    for release in library.releases.values():
        yield from (("releases", ReleasePolicy, mutant) for mutant in release_mutants(release))
    for dataset in library.datasets.values():
        yield from (("datasets", DatasetPolicy, mutant) for mutant in dataset_mutants(dataset))
    for hierarchy in library.hierarchies.values():
        yield from (("hierarchies", HierarchyPolicy, mutant) for mutant in hierarchy_mutants(hierarchy))


@cache
def fates() -> tuple[Fate, ...]:
    library = read_library(PACKAGED)
    before = Counter(finding.rule for finding in check(library, on=ON))
    found = []
    for shelf, model, mutant in _mutants(library):
        try:
            changed = model.model_validate_json(json.dumps(mutant.tree), strict=True, by_alias=True, by_name=False)
        except ValidationError:
            found.append(Fate(mutant, ("policy.invalid-value",)))
            continue
        mutated = replace(library, **{shelf: {**getattr(library, shelf), mutant.policy: changed}})
        after = Counter(finding.rule for finding in check(mutated, on=ON))
        found.append(Fate(mutant, tuple(after - before)))
    return tuple(found)


def reasons(name: str) -> list[str]:
    return [pattern for pattern in EQUIVALENT if re.fullmatch(pattern, name)]


def test_every_mutant_that_endangers_people_is_refused_by_name() -> None:
    assert [each.name for each in fates() if not each.killers and not reasons(each.name)] == []


def test_no_reason_outlives_its_mutant() -> None:
    living = [each.name for each in fates() if not each.killers]
    assert [pattern for pattern in EQUIVALENT if not any(re.fullmatch(pattern, name) for name in living)] == []
    assert [name for name in living if len(reasons(name)) != 1] == []


def test_mutants_are_many_and_most_of_them_die() -> None:
    killed = [each for each in fates() if each.killers]
    assert len(fates()) > 600
    assert len(killed) / len(fates()) > 0.8


def test_mutants_are_killed_by_rules_not_only_by_the_form_of_the_file() -> None:
    by_rule = {rule for each in fates() for rule in each.killers if not rule.startswith("policy.")}
    assert by_rule >= {
        *("APPI-07", "APPI-08", "APPI-15", "APPI-18", "APPI-20", "APPI-21", "APPI-22", "APPI-23", "APPI-24", "APPI-25"),
        *("APPI-26", "APPI-27", "APPI-28", "APPI-29", "APPI-33", "CELL-HOUSE", "CELL-NDB-1", "CELL-NDB-4", "CELL-EMA"),
        *(
            "CONS-01",
            "CONS-02",
            "CONS-04",
            "CONS-05",
            "CONS-06",
            "CONS-07",
            "DP-01",
            "DP-02",
            "DP-04",
            "DP-05",
            "DP-06",
        ),
    }


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("admissions-anonymized method.k: 11", "CONS-01"),
        ("admissions-anonymized l of department: one less", "CONS-06"),
        ("admissions-anonymized method.suppression_limit: 0.1", "CONS-06"),
        ("admissions-anonymized method.max_record_risk: 0.18", "CELL-EMA"),
        ("admissions-anonymized quasi-identifier sex: not counted", "APPI-25"),
        ("diagnoses-by-region method.min_cell: 9", "CELL-NDB-1"),
        ('admissions-statistics method.budget.population: "another-population"', "DP-01"),
        ("cohort-frequencies method.membership_max_power: 0.99 (most)", "CONS-05"),
        ("cohort-controlled R-001: without contract", "APPI-08"),
        ("cohort-controlled marketing: not prohibited", "policy.prohibited-uses"),
    ],
)
def test_what_a_reviewer_would_look_for_first(name: str, rule: str) -> None:
    (fate,) = [each for each in fates() if each.name == name]
    assert rule in fate.killers
