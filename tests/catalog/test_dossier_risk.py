"""The risk report of a dossier: promises from the policy, counts through the gate, every model of a sensitive column."""

import re
from dataclasses import replace
from typing import Any, Literal, get_args

import pytest

from catalog.dossier_risk import risk_lines
from policies.model.sensitive import SensitiveModel

LIMITS: dict[str, dict[str, Any]] = {
    "distinct_l": {"l": 3},
    "entropy_l": {"l": 2.5},
    "recursive_l": {"c": 2.0, "l": 3},
    "positive_recursive_l": {"c": 2.0, "l": 3},
    "t_closeness": {"t": 0.3},
    "alpha_share": {"alpha": 0.6},
    "beta_likeness": {"beta": 1.5},
    "delta_disclosure": {"delta": 1.2},
}
MORE: dict[str, dict[str, Any]] = {"positive_recursive_l": {"disclosable": ["Z00"]}}
"""What a model needs besides, and its line does not say."""


def lines(build: Any, kind: str, **measured: object) -> list[Any]:
    release, evidence = build.release(kind), build.evidence(kind)
    return list(risk_lines(release, replace(evidence, measured={**evidence.measured, **measured}), ()))


@pytest.mark.parametrize("model", sorted(LIMITS))
def test_every_model_of_a_sensitive_column_has_a_line_with_its_limit(build: Any, model: str) -> None:
    release = build.release("microdata")
    body = release.method.model_dump(mode="json")
    body["sensitive"] = [{"model": model, "column": "icd10", **LIMITS[model], **MORE.get(model, {})}]
    method = type(release.method).model_validate(body)
    changed = release.model_copy(update={"method": method})
    found = [line for line in risk_lines(changed, build.evidence("microdata"), ()) if "icd10" in line.name.en]
    assert len(found) == 1
    assert "icd10" in found[0].name.ja
    for value in LIMITS[model].values():
        assert str(value) in found[0].after


def test_no_model_was_forgotten() -> None:
    assert {member.model_fields["model"].annotation for member in get_args(SensitiveModel)} == {
        Literal[name] for name in LIMITS
    }


@pytest.mark.parametrize("kind", ["microdata", "dp_statistics", "small_cells", "allele_frequencies", "controlled_rows"])
def test_every_method_has_its_lines_in_both_languages(build: Any, kind: str) -> None:
    found = lines(build, kind)
    assert found
    for line in found:
        assert line.name.ja
        assert line.name.en
        assert line.before
        assert line.after


def test_what_a_class_really_holds_is_not_told(build: Any) -> None:
    found = lines(
        build, "microdata", risk_before={"k": 1, "uniques": 4321}, risk_after={"k": 17}, suppressed_records=57
    )
    shown = " ".join(f"{line.before} {line.after}" for line in found)
    assert not re.search(r"\b(17|4321|4,321|57)\b", shown)
    assert "4,320+" in shown
    assert "50+" in shown


def test_beside_differential_privacy_no_count_is_told(build: Any) -> None:
    shown = " ".join(f"{line.before} {line.after}" for line in lines(build, "dp_statistics"))
    assert "+" not in shown
