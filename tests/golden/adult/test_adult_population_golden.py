"""k-map, δ-presence and profitability of a subset of adult against all of adult: ARX's nodes and losses hold.

Source: ARX, src/test/org/deidentifier/arx/test/TestAnonymizationKMap.java (commit 10e8d5bd) and
TestAnonymizationDPresence.java (commit 19019483). ARX gives the average class size of its optimum (AECS): 3,016 rows
divided by the number of classes. For the first two its metric is not ours, so what is compared is its node: valid, and with that many
classes; and no node below it is valid, where ARX could not have suppressed either.
"""

import csv
import gzip
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from anonymization.generalize import classes_at, pose_problem, search_problem
from anonymization.hierarchy import Hierarchy, read_arx_layout
from anonymization.histogram import Histogram, build_histogram
from anonymization.population import Population
from anonymization.quasi import QuasiIdentifier
from anonymization.risk_models import AskedRisk
from policies.model.risk_models import KMap, Presence, Profitability, RiskModel

A8 = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "salary-class"]
ROWS = 3_016

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def sample(shared_data: Path) -> tuple[Histogram, Population]:
    folder = shared_data / "clinical-tabular" / "adult"
    hierarchies: dict[str, Hierarchy] = {
        column: read_arx_layout(column, (folder / f"adult_hierarchy_{column}.csv").read_text("utf-8")) for column in A8
    }
    with gzip.open(folder / "adult.csv.gz", "rt", newline="") as lines:
        everyone = table_of(list(csv.reader(lines, delimiter=";")))
    with (folder / "adult_subset.csv").open(newline="") as lines:
        subset = table_of(list(csv.reader(lines, delimiter=";")))
    quasi = [QuasiIdentifier(column, hierarchies[column]) for column in A8]
    return build_histogram(subset, quasi_identifiers=quasi), Population(everyone)


def table_of(rows: list[list[str]]) -> ibis.Table:
    return ibis.memtable(pa.table({name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}))


@pytest.mark.parametrize(
    ("model", "limit", "node", "average_class_size"),
    [
        (KMap(model="k_map", k=5), 0.0, (1, 0, 1, 2, 3, 2, 2, 1), 45.014925373134325),
        (Presence(model="delta_presence", most=0.2), 0.0, (1, 4, 1, 1, 0, 2, 2, 0), 52.0),
        (Presence(model="delta_presence", least=0.05, most=0.15), 0.0, (0, 4, 0, 1, 3, 2, 2, 1), 150.8),
    ],
    ids=["5-map", "presence-0-20", "presence-5-15"],
)
def test_the_node_of_arx_is_valid_with_as_many_classes(
    sample: tuple[Histogram, Population],
    model: RiskModel,
    limit: float,
    node: tuple[int, ...],
    average_class_size: float,
) -> None:
    histogram, population = sample
    asked = AskedRisk((model, KMap(model="k_map", k=2)), population)
    problem = pose_problem(asked.completed(histogram), k=1, sensitive=(), suppression_limit=limit, asked_risk=asked)
    table, failing = classes_at(problem, node)
    has_rows = table.rows > 0
    assert int(table.rows[failing].sum()) == 0
    assert ROWS / int(has_rows.sum()) == pytest.approx(average_class_size, abs=1e-12)
    assert not any(one.failing_by(table.counts(), ~failing) for one in problem.table_criteria)
    for j, level in enumerate(node):
        if level:
            lower, failing_below = classes_at(problem, (*node[:j], level - 1, *node[j + 1 :]))
            more_classes = int((lower.rows > 0).sum()) > int(has_rows.sum())
            assert lower.rows[failing_below].sum() > 0 or not more_classes


def test_publishing_pays_where_arx_says_so(sample: tuple[Histogram, Population]) -> None:
    """TestAnonymizationProfitability.java (commit 10e8d5bd), case 1: ProfitabilityJournalist, and ARX's Loss is our metric."""
    histogram, population = sample
    pays = Profitability(model="profitability", gain=120, cost=20, benefit=1200, loss=3000, attacker="journalist")
    asked = AskedRisk((pays,), population)
    problem = pose_problem(asked.completed(histogram), k=1, sensitive=(), suppression_limit=0.04, asked_risk=asked)
    found = search_problem(problem)
    assert found.node == (0, 4, 0, 0, 2, 1, 0, 0)
    assert found.loss == pytest.approx(0.20171471140567654, abs=1e-9)
    assert found.is_complete
