"""ARX's optima for l-diversity and t-closeness on adult, with fewer checks. Source: reference/anonymization.md section 5.2.

ARX 3.9.2 with k = 5, occupation sensitive, eight quasi-identifiers; `arx_checks` are the nodes that ARX checked.
"""

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from anonymization.criteria.criterion import Criterion
from anonymization.criteria.distinct_l import DistinctLDiversity
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.criteria.recursive_l import RecursiveCLDiversity
from anonymization.criteria.t_closeness import HierarchicalDistance, TCloseness
from anonymization.hierarchy import Hierarchy, read_arx_layout
from anonymization.histogram import Histogram, build_histogram
from anonymization.quasi import QuasiIdentifier
from anonymization.search.optimal import search_all
from anonymization.search.problem import make_problem

QUASI = ("sex", "age", "race", "marital-status", "education", "native-country", "workclass", "salary-class")
SECRET = "occupation"


@dataclass(frozen=True)
class Golden:
    model: str
    limit: float
    loss: float
    node: tuple[int, ...]
    classes: int
    suppressed: int
    arx_checks: int


GOLDEN = (
    Golden("distinct", 0.0, 0.542211, (0, 4, 1, 2, 3, 2, 0, 0), 26, 0, 122),
    Golden("distinct", 0.02, 0.246912, (0, 3, 0, 2, 2, 1, 1, 0), 219, 522, 511),
    Golden("recursive", 0.0, 0.542211, (0, 4, 1, 2, 3, 2, 0, 0), 26, 0, 113),
    Golden("recursive", 0.02, 0.255453, (0, 3, 0, 1, 3, 1, 1, 0), 193, 573, 584),
    Golden("t-equal", 0.0, 0.918395, (1, 4, 1, 1, 3, 2, 2, 1), 2, 0, 26),
    Golden("t-equal", 0.02, 0.815003, (1, 4, 1, 1, 3, 1, 2, 1), 6, 235, 2120),
    Golden("t-hierarchical", 0.0, 0.759176, (0, 4, 1, 1, 3, 2, 2, 1), 4, 0, 33),
    Golden("t-hierarchical", 0.02, 0.735140, (1, 4, 0, 2, 3, 1, 2, 1), 9, 151, 2117),
)


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "clinical-tabular" / "adult"


def hierarchy(folder: Path, column: str) -> Hierarchy:
    return read_arx_layout(column, (folder / f"adult_hierarchy_{column}.csv").read_text("utf-8"))


@pytest.fixture(scope="module")
def histogram(folder: Path) -> Histogram:
    with gzip.open(folder / "adult.csv.gz", "rt", newline="") as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    table = pa.table({name: [row[place] for row in rows[1:]] for place, name in enumerate(rows[0])})
    quasi = [QuasiIdentifier(column, hierarchy(folder, column)) for column in QUASI]
    return build_histogram(ibis.memtable(table), quasi_identifiers=quasi, sensitive=[SECRET])


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: f"{golden.model}-{golden.limit}")
def test_the_optimum_is_that_of_arx_with_half_the_checks(golden: Golden, histogram: Histogram, folder: Path) -> None:
    model: dict[str, Criterion] = {
        "distinct": DistinctLDiversity(SECRET, 3),
        "recursive": RecursiveCLDiversity(SECRET, 4, 3),
        "t-equal": TCloseness(SECRET, 0.2),
        "t-hierarchical": TCloseness(SECRET, 0.2, HierarchicalDistance(hierarchy(folder, SECRET))),
    }
    criteria = (KAnonymity(5), model[golden.model])
    found = search_all(make_problem(histogram, criteria=criteria, suppression_limit=golden.limit))
    assert found is not None
    check = next(check for check in found.checks if check.node == found.node)
    assert found.node == golden.node
    assert found.loss == pytest.approx(golden.loss, abs=5e-7)
    assert (check.classes, check.suppressed) == (golden.classes, golden.suppressed)
    assert len(found.checks) < golden.arx_checks / 2
