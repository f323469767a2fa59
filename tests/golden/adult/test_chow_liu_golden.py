"""The optima on CL-1M, a million synthetic rows, are those of the reference.

Source: reference/anonymization.md table 5.1 (0, 2 and 100 %: ARX 3.9.2 and a prototype; 5 %: the prototype alone). The
rows are made by ../shared/tools/generate_cl_adult.py.
"""

import subprocess
import sys
from pathlib import Path

import ibis
import pytest

from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.hierarchy import read_arx_layout
from anonymization.histogram import Histogram, build_histogram
from anonymization.quasi import QuasiIdentifier
from anonymization.search.optimal import search_all
from anonymization.search.problem import make_problem

COLUMNS = (
    "sex",
    "age",
    "race",
    "marital-status",
    "education",
    "native-country",
    "workclass",
    "occupation",
    "salary-class",
)

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def histogram(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Histogram:
    generator = shared_data.parent / "tools" / "generate_cl_adult.py"
    if not generator.is_file():
        pytest.skip("the generator of CL-n (../shared/tools) is not on this machine")
    table = tmp_path_factory.mktemp("cl") / "cl.parquet"
    subprocess.run([sys.executable, str(generator), "--rows", "1000000", "--output", str(table)], check=True)
    folder = shared_data / "clinical-tabular" / "adult"
    quasi = [
        QuasiIdentifier(column, read_arx_layout(column, (folder / f"adult_hierarchy_{column}.csv").read_text("utf-8")))
        for column in COLUMNS
    ]
    return build_histogram(ibis.duckdb.connect().read_parquet(str(table)), quasi_identifiers=quasi)


def test_the_histogram_has_the_distinct_tuples_of_the_reference(histogram: Histogram) -> None:
    assert (histogram.records, len(histogram.rows)) == (1_000_000, 275_155)


@pytest.mark.parametrize(
    ("limit", "loss", "node", "suppressed", "most_checks"),
    [
        (0.0, 0.456549, (0, 4, 0, 1, 3, 2, 2, 1, 0), 0, 260),
        (0.02, 0.130832, (0, 3, 0, 0, 2, 1, 0, 1, 0), 17_234, 140),
        (0.05, 0.113683, (0, 3, 0, 0, 1, 1, 0, 0, 0), 48_576, 68),
        (1.0, 0.113683, (0, 3, 0, 0, 1, 1, 0, 0, 0), 48_576, 90),
    ],
    ids=["0", "2", "5", "100"],
)
def test_the_optimum_is_that_of_the_reference_in_no_more_checks(
    histogram: Histogram, limit: float, loss: float, node: tuple[int, ...], suppressed: int, most_checks: int
) -> None:
    found = search_all(make_problem(histogram, criteria=(KAnonymity(5),), suppression_limit=limit))
    assert found is not None
    answer = next(check for check in found.checks if check.node == found.node)
    assert found.loss == pytest.approx(loss, abs=5e-7)
    assert (found.node, answer.suppressed) == (node, suppressed)
    assert len(found.checks) <= most_checks
