"""What a release policy wants to lose least of: on its page, in the search, in the evidence; what does not fit is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from anonymization.loss import GEOMETRIC, Mean, Metric, metric_of
from anonymization.microdata import protect_microdata
from anonymization.plain import PlainRelease
from anonymization.tradeoff.rows import row_alternatives
from policies.explain import explain
from policies.load import load_release, read_library
from policies.model.loss import LeastLoss
from tests.support import policy_files as fixture
from tests.support.hospital_tables import hierarchies, microdata_release, sources

COLUMNS = microdata_release().method.quasi_identifiers


def only(column: str) -> dict[str, object]:
    return {"mean": "arithmetic", "weights": [{"column": each, "weight": 0} for each in COLUMNS if each != column]}


@pytest.fixture(scope="module")
def source():
    return sources()


def test_the_column_that_alone_matters_stays_as_fine_as_it_can(source) -> None:
    found = {
        column: protect_microdata(microdata_release(loss=only(column)), source, hierarchies=hierarchies()).evidence
        for column in COLUMNS
    }
    for column, evidence in found.items():
        levels = {other: one.measured["node"][column] for other, one in found.items() if column in one.measured["node"]}
        assert all(level >= levels[column] for level in levels.values())
        assert str(evidence.measured["metric"]).startswith("loss: arithmetic mean")
        assert all(f"{other} 0" in str(evidence.measured["metric"]) for other in COLUMNS if other != column)
        assert all(check.passed for check in evidence.checks)
    assert len({tuple(sorted(one.measured["node"].items())) for one in found.values()}) > 1


def test_alternatives_are_weighed_as_the_release_is(source) -> None:
    release = microdata_release(loss=only(COLUMNS[0]))
    first = next(iter(row_alternatives(release, source, hierarchies=hierarchies(), grid={})))
    assert first.cost == protect_microdata(release, source, hierarchies=hierarchies()).evidence.loss


def test_a_plain_table_takes_it_from_the_method() -> None:
    method = microdata_release(loss=only(COLUMNS[0])).method
    plain = PlainRelease.of_method(method, hierarchies=hierarchies())
    assert plain.how.metric == Metric(Mean.ARITHMETIC, dict.fromkeys(COLUMNS[1:], 0.0))
    assert metric_of(None) == metric_of(LeastLoss()) == GEOMETRIC


def test_the_page_says_which_columns_matter(tmp_path: Path) -> None:
    old = "sensitive: [{column: outcome, l: 3}]"
    library = read_library(fixture.write_policies(tmp_path))
    column = library.release("admissions").method.quasi_identifiers[0]
    text = f"{old}\n  loss: {{mean: arithmetic, weights: [{{column: {column}, weight: 3}}]}}"
    root = fixture.write_policies(tmp_path / "weighed", {fixture.MICRODATA: [(old, text)]})
    release = load_release(root / fixture.MICRODATA)
    page = explain(release, library=read_library(root), language="en")
    assert "the arithmetic mean of what the columns lose is least (weights:" in page
    assert "3; 1 for all others" in page
    assert "算術平均が最も小さくなる" in explain(release, library=read_library(root), language="ja")
    assert "what the columns lose" not in explain(library.release("admissions"), library=library, language="en")


@pytest.mark.parametrize(
    ("loss", "more", "said"),
    [
        ({"weights": [{"column": "elsewhere", "weight": 1}]}, {}, "no quasi-identifier"),
        ({"weights": [{"column": COLUMNS[0], "weight": 1}] * 2}, {}, "twice"),
        ({"weights": [{"column": each, "weight": 0} for each in COLUMNS]}, {}, "something must matter"),
        ({"weights": [{"column": COLUMNS[0], "weight": -1}]}, {}, "greater than or equal to 0"),
        ({"mean": "median"}, {}, "geometric"),
        ({"mean": "arithmetic"}, {"recoding": "local"}, "recoding: global"),
    ],
)
def test_what_does_not_fit_is_refused(loss: dict, more: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        microdata_release(loss=loss, **more)
