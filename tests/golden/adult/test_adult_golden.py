"""The optima that ARX 3.9.2 finds on adult are found here, node and loss, and each is proven.

Source of every number: reference/anonymization.md, tables 5.1, 5.2 and 5.4 (ARX 3.9.2 `aacd487`, pycanon 1.3.5), on the
files of ../shared/data/clinical-tabular/adult. Nothing is regenerated from this repository's own output.
"""

import csv
import gzip
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from anonymization.generalize import Generalized, generalize_table
from anonymization.hierarchy import Hierarchy, read_arx_layout
from anonymization.quasi import QuasiIdentifier
from anonymization.recount import recount
from anonymization.risk import risk
from anonymization.search.certificate import replay
from policies.model.sensitive import DistinctL

A9 = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation", "salary-class"]
A8 = [column for column in A9 if column != "occupation"]

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def adult(shared_data: Path) -> pa.Table:
    with gzip.open(shared_data / "clinical-tabular" / "adult" / "adult.csv.gz", "rt", newline="") as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    return pa.table({name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])})


@pytest.fixture(scope="module")
def hierarchies(shared_data: Path) -> dict[str, Hierarchy]:
    folder = shared_data / "clinical-tabular" / "adult"
    return {
        column: read_arx_layout(column, (folder / f"adult_hierarchy_{column}.csv").read_text("utf-8")) for column in A9
    }


def run(
    table: pa.Table, hierarchies: dict[str, Hierarchy], columns: list[str], limit: float, *, l: int | None = None
) -> Generalized:
    return generalize_table(
        ibis.memtable(table),
        quasi_identifiers=[QuasiIdentifier(column, hierarchies[column]) for column in columns],
        k=5,
        sensitive=[DistinctL(column="occupation", l=l)] if l else [],
        suppression_limit=limit,
        person=None,
    )


@pytest.mark.parametrize(
    ("limit", "loss", "node", "classes", "suppressed", "most_checks"),
    [
        (0.0, 0.573151, (0, 4, 1, 1, 3, 2, 2, 1, 0), 24, 0, 124),
        (0.02, 0.313713, (0, 3, 0, 2, 2, 1, 1, 2, 0), 222, 506, 400),
        (0.05, 0.241932, (0, 3, 0, 0, 2, 1, 1, 2, 0), 397, 1346, 250),
        (1.0, 0.220412, (0, 3, 0, 0, 2, 1, 1, 1, 0), 602, 2553, 200),
    ],
    ids=["0", "2", "5", "100"],
)
def test_k_anonymity_has_the_optimum_of_arx(
    adult: pa.Table,
    hierarchies: dict[str, Hierarchy],
    limit: float,
    loss: float,
    node: tuple[int, ...],
    classes: int,
    suppressed: int,
    most_checks: int,
) -> None:
    found = run(adult, hierarchies, A9, limit)
    assert tuple(found.node.values()) == node
    assert found.loss == pytest.approx(loss, abs=5e-7)
    assert (found.classes, found.suppressed_records, found.gap) == (classes, suppressed, 0.0)
    assert found.checks <= most_checks
    published = ibis.memtable(found.rows.to_pyarrow())
    checks = recount(published, quasi_identifiers=A9, k=5)
    assert all(check.passed for check in checks)
    assert checks[1].measured["classes"] == classes


@pytest.mark.parametrize(
    ("limit", "loss", "node", "classes", "suppressed"),
    [
        (0.0, 0.542211, (0, 4, 1, 2, 3, 2, 0, 0), 26, 0),
        (0.02, 0.246912, (0, 3, 0, 2, 2, 1, 1, 0), 219, 522),
    ],
    ids=["0", "2"],
)
def test_distinct_3_diversity_has_the_optimum_of_arx(
    adult: pa.Table,
    hierarchies: dict[str, Hierarchy],
    limit: float,
    loss: float,
    node: tuple[int, ...],
    classes: int,
    suppressed: int,
) -> None:
    found = run(adult, hierarchies, A8, limit, l=3)
    assert tuple(found.node.values()) == node
    assert found.loss == pytest.approx(loss, abs=5e-7)
    assert (found.classes, found.suppressed_records) == (classes, suppressed)


def test_the_optimum_is_proven_by_the_independent_replay(adult: pa.Table, hierarchies: dict[str, Hierarchy]) -> None:
    found = run(adult, hierarchies, A9, 0.0)
    result = replay(found.problem, found.certificate)
    assert result.faults == ()
    assert result.proves_optimum


def test_raw_risk_is_what_pycanon_measures(adult: pa.Table) -> None:
    report = risk(ibis.memtable(adult), quasi_identifiers=A8, sensitive=["occupation"])
    assert (report.k, report.l) == (1, 1)
    assert report.t == pytest.approx(0.9997, abs=5e-5)


def test_one_dimensional_marginals_survive_the_coding(adult: pa.Table, hierarchies: dict[str, Hierarchy]) -> None:
    # Trap 1 of the reference: wrong physical codes keep all totals right and hit the wrong values.
    from collections import Counter

    from anonymization.histogram import build_histogram

    histogram = build_histogram(
        ibis.memtable(adult), quasi_identifiers=[QuasiIdentifier(column, hierarchies[column]) for column in A9]
    )
    for attribute, codes in zip(histogram.attributes, histogram.codes, strict=True):
        counted: Counter[str] = Counter()
        for code, rows in zip(codes.tolist(), histogram.rows.tolist(), strict=True):
            counted[attribute.leaves[code]] += rows
        assert counted == Counter(adult.column(attribute.column).to_pylist())
