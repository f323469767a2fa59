"""What a release's steward learns of its use: with the release's evidence, gated."""

import json

import pytest

from anonymization.evidence import Evidence
from anonymization.microdata import protect_microdata
from tests.support.hospital_tables import hierarchies, microdata_release, sources


@pytest.mark.parametrize("recoding", ["global", "local"])
def test_a_release_carries_its_utility_for_its_steward(recoding: str) -> None:
    release = microdata_release()
    release = release.model_copy(update={"method": release.method.model_copy(update={"recoding": recoding})})
    evidence = protect_microdata(release, sources(), hierarchies=hierarchies()).evidence
    steward = json.loads(json.dumps(evidence.steward))
    assert steward["utility"]["loss"] == pytest.approx(evidence.loss), "worked out by two codes"
    names = evidence.parameters["quasi_identifiers"]
    assert [one["column"] for one in steward["figures"]["marginals"]] == names
    assert "answers" not in steward["utility"]["queries"]
    assert "associations" not in steward["utility"]
    few = 10 / evidence.records_in
    shares = [share for one in steward["figures"]["marginals"] for share in one["before"] if share]
    assert all(share >= round(few, 4) for share in shares), "a bin of fewer than ten has no share"


def test_evidence_is_read_back_with_and_without_what_is_the_stewards() -> None:
    body = protect_microdata(microdata_release(), sources(), hierarchies=hierarchies()).evidence.as_json()
    assert Evidence.from_json(body).steward == body["steward"]
    old = {name: value for name, value in body.items() if name != "steward"}
    assert Evidence.from_json(old).steward == {}
