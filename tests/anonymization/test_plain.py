"""`anonymize(table, release)`: a table in Python, without policy or deployment."""

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from anonymization.generalize import HowToSearch
from anonymization.hierarchy import hierarchy_from_rows
from anonymization.loss import Mean, Metric
from anonymization.plain import PlainRelease, anonymize
from anonymization.utility.queries import Between, CountQuery
from policies.errors import DataError, PolicyError
from policies.model.method import Microdata
from policies.model.sensitive import DistinctL

AGES = hierarchy_from_rows("age", [(str(age), f"{age // 10 * 10}-{age // 10 * 10 + 9}", "*") for age in range(20, 40)])
AREAS = hierarchy_from_rows("area", [("north", "*"), ("south", "*")])
TABLE = pa.table(
    {
        "who": [f"p{i // 2}" for i in range(40)],
        "age": [20 + i // 2 for i in range(40)],
        "area": ["north" if i % 4 < 2 else "south" for i in range(40)],
        "ill": ["flu" if i % 2 else "cold" for i in range(40)],
        "memo": ["secret"] * 40,
    }
)
RELEASE = PlainRelease({"age": AGES, "area": AREAS}, k=5, sensitive=[DistinctL(column="ill", l=2)], person="who")


def test_arrow_pandas_and_ibis_give_the_same_table_with_evidence() -> None:
    steps: list[int] = []
    found = anonymize(TABLE, RELEASE, progress=lambda step: steps.append(step.checks))
    assert found.table.column_names == ["age", "area", "ill"], "neither the person nor what was not named"
    assert steps
    evidence = found.evidence()
    assert (evidence["k"], evidence["people"], evidence["records"]) == (5, 20, 40)
    assert evidence["levels"] == {"age": 1, "area": 0}
    assert evidence["recount"]
    assert all(check.passed for check in found.checks)
    assert "p1" not in str(evidence)
    for same in (TABLE.to_pandas(), ibis.memtable(TABLE)):
        assert anonymize(same, RELEASE).table.equals(found.table)
    assert isinstance(TABLE.to_pandas(), pd.DataFrame)


def test_what_is_left_is_measured_when_it_is_asked_for() -> None:
    found = anonymize(TABLE, RELEASE)
    utility = found.utility(target="ill", queries=[CountQuery("young", {"age": Between(20, 24)})])
    assert utility.loss == pytest.approx(found.result.loss)
    assert utility.average_class_size.normalized == pytest.approx(1.0)
    assert utility.queries.answers[0].before == 10
    assert utility.prediction is not None
    with pytest.raises(DataError):
        found.utility(target="height")


def test_local_recoding_and_another_metric() -> None:
    local = anonymize(TABLE, PlainRelease({"age": AGES, "area": AREAS}, k=5, recoding="local"))
    assert local.evidence()["recoding"] == "local"
    assert local.utility().loss == pytest.approx(local.result.loss)
    weighed = PlainRelease({"age": AGES, "area": AREAS}, k=5, how=HowToSearch(Metric(Mean.ARITHMETIC, {"age": 3.0})))
    found = anonymize(TABLE, weighed)
    assert found.utility(weights={"age": 3.0}).arithmetic_loss == pytest.approx(found.result.loss)


def test_a_release_policy_describes_a_release_of_a_plain_table() -> None:
    method = Microdata(
        kind="microdata",
        record="admissions",
        quasi_identifiers=("age", "area"),
        k=5,
        sensitive=(DistinctL(column="ill", l=2),),
        suppression_limit=0.02,
        max_record_risk=0.2,
        approved_by="T. Suzuki",
    )
    household = method.model_copy(update={"household": object()})
    with pytest.raises(PolicyError) as refused:
        PlainRelease.of_method(household, hierarchies={"age": AGES, "area": AREAS})
    assert refused.value.code == "policy.not-plain"
    asked = PlainRelease.of_method(method, hierarchies={"age": AGES, "area": AREAS}, person="who")
    assert anonymize(TABLE, asked).table.equals(anonymize(TABLE, RELEASE).table)


@pytest.mark.parametrize(
    ("release", "error", "code"),
    [
        (PlainRelease({"age": AGES, "height": None}, k=5), DataError, "data.column-missing"),
        (PlainRelease({"age": AGES}, k=5, person="age"), PolicyError, "policy.person-leaves"),
        (PlainRelease({"age": AGES}, k=50), DataError, "data.too-few-people"),
        (PlainRelease({"age": None}, k=5), DataError, "data.no-solution"),
    ],
)
def test_what_cannot_be_is_refused(release: PlainRelease, error: type[DataError], code: str) -> None:
    with pytest.raises(error) as refused:
        anonymize(TABLE, release)
    assert refused.value.code == code
    assert refused.value.fix
