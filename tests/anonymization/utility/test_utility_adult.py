"""Utility of adult at the nodes and the local recoding of the reference.

Sources: Loss, classes and average class size of ARX 3.9.2: reference/anonymization.md, table 5.1 (2 %) and section 4;
naive Bayes of the source: scikit-learn's categorical naive Bayes, an independent implementation.
"""

import csv
import gzip
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pytest

from anonymization.generalize import Generalized, generalize_table
from anonymization.hierarchy import read_arx_layout
from anonymization.quasi import QuasiIdentifier
from anonymization.utility.compared import Compared, compare_tables
from anonymization.utility.prediction import _guesses, prediction
from anonymization.utility.report import measure_utility

A9 = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation", "salary-class"]
NODE = (0, 3, 0, 2, 2, 1, 1, 2, 0)

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def released(shared_data: Path) -> tuple[Generalized, Compared]:
    folder = shared_data / "clinical-tabular" / "adult"
    with gzip.open(folder / "adult.csv.gz", "rt", newline="") as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    columns = {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}
    before = ibis.memtable(pa.table(columns | {"id": list(range(len(rows) - 1))}))
    quasi = [
        QuasiIdentifier(column, read_arx_layout(column, (folder / f"adult_hierarchy_{column}.csv").read_text()), level)
        for column, level in zip(A9, NODE, strict=True)
    ]
    found = generalize_table(before, quasi_identifiers=quasi, k=5, sensitive=[], suppression_limit=0.02, person=None)
    after = ibis.memtable(found.rows.to_pyarrow())
    compared = compare_tables(
        before, after, row_id="id", quasi_identifiers=quasi, levels=found.node, target="salary-class"
    )
    return found, compared


def test_loss_and_class_sizes_are_those_of_arx(released: tuple[Generalized, Compared]) -> None:
    found, compared = released
    utility = measure_utility(compared, k=5)
    assert utility.loss == pytest.approx(0.313713, abs=5e-7)
    assert utility.loss == found.loss
    assert (utility.records, utility.suppressed) == (30_162, 506)
    assert utility.average_class_size.rows == pytest.approx(133.6, abs=0.05)
    assert utility.average_class_size.normalized == pytest.approx(133.6 / 5, abs=0.01)
    assert utility.granularity["occupation"] == 1.0
    assert utility.generalization_intensity["sex"] == pytest.approx(506 / 30_162)
    # With every kept row at level h of H: Sweeney's precision is known from the node alone.
    tops = [1, 4, 1, 2, 3, 2, 2, 2, 1]
    lost = sum(506 + 29_656 * level / top for level, top in zip(NODE, tops, strict=True))
    assert utility.precision == pytest.approx(1 - lost / (9 * 30_162))


def test_the_model_of_the_source_is_that_of_scikit_learn(released: tuple[Generalized, Compared]) -> None:
    bayes = pytest.importorskip("sklearn.naive_bayes")
    _, compared = released
    features = np.stack(compared.source[:-1], axis=1)
    sizes = [len(attribute.points) for attribute in compared.attributes[:-1]]
    model = bayes.CategoricalNB(min_categories=sizes).fit(features, compared.target, sample_weight=compared.rows)
    from dataclasses import replace

    without = replace(
        compared,
        attributes=compared.attributes[:-1],
        source=compared.source[:-1],
        published=compared.published[:-1],
    )
    _, by_source, _ = _guesses(without, compared.rows)
    same = (model.predict(features) == by_source) @ compared.rows / compared.records
    assert same > 0.999, "Laplace's correction of the prior aside"
    scored = prediction(without)
    assert scored.zero_r == pytest.approx(0.7511, abs=1e-4)
    assert scored.zero_r <= scored.release <= scored.source
