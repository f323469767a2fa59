"""The steward's figures: in both languages, readable without sight, and small counts shown nowhere."""

import xml.etree.ElementTree as ET

import pytest

from anonymization.spectrum import SpectrumOfClassSizes
from anonymization.utility.figures import Bars, size_bars
from pipelines.bar_charts import Pair, Words, bar_chart
from pipelines.release_figures import figures_of
from pipelines.stages.metadata import steward_figures

BEFORE = SpectrumOfClassSizes((1, 4, 200), (7, 20, 1), (7, 93, 900))
AFTER = SpectrumOfClassSizes((12, 200), (5, 4), (60, 900))


def test_rows_are_counted_by_the_size_of_their_class_and_few_are_not_said() -> None:
    bars = size_bars(BEFORE, AFTER, records=1000)
    before, after = dict(zip(bars.names, bars.before, strict=True)), dict(zip(bars.names, bars.after, strict=True))
    assert before == {
        "1": None,
        "2": 0,
        "3-4": 0.093,
        "5-9": 0,
        "10-19": 0,
        "20-49": 0,
        "50-99": 0,
        "100+": 0.9,
        "suppressed": 0,
    }
    assert (after["10-19"], after["100+"], after["suppressed"]) == (0.06, 0.9, 0.04)


def steward() -> dict[str, object]:
    marginal = Bars("age<b>", ("20-29", "30-39", "missing"), (0.5, None, 0.2), (0.4, None, 0.3))
    sizes = size_bars(BEFORE, AFTER, records=1000)
    return {"figures": {"class_sizes": sizes.as_json(), "marginals": [marginal.as_json()]}, "utility": {}}


def test_every_figure_is_well_formed_and_says_in_words_what_it_shows() -> None:
    figures = figures_of(steward())
    assert [figure.about for figure in figures] == ["class_size", "age<b>"]
    for figure in figures:
        for language, svg in figure.svg.items():
            root = ET.fromstring(svg)
            described = root.attrib["aria-labelledby"].split()
            texts = {node.attrib.get("id"): node.text for node in root}
            assert all(texts[name] for name in described)
            assert ("加工前" in svg) == (language == "ja")
    assert "30-39: not shown: fewer than 10 before → not shown: fewer than 10 before" in figures[1].svg["en"]
    assert "欠測: 20.0% → 30.0%" in figures[1].svg["ja"]
    assert "<b>" not in figures[1].svg["en"]


def test_dagster_gets_one_plot_a_column_and_none_where_nothing_was_measured() -> None:
    assert set(steward_figures({"steward": steward()})) == {"plot_class_size", "plot_age<b>"}
    assert steward_figures({"steward": {"not_measured": "no key"}}) == {}
    assert steward_figures({}) == {}


def test_dagster_gets_figures_of_four_digits_and_none_where_nothing_was_asked() -> None:
    utility = {"precision": 0.3533652261, "ambiguity": 6433687279.6, "queries": {"median": None}}
    assert steward_figures({"steward": {"utility": utility}}) == {
        "utility_precision": 0.3534,
        "utility_ambiguity": 6_434_000_000,
        "utility_query_error_median": None,
    }


@pytest.mark.parametrize("share", [0.0, 1.0, None])
def test_a_chart_can_hold_nothing_and_everything(share: float | None) -> None:
    words = Words("t", "d", "before", "after", "hidden")
    svg = bar_chart(
        [Pair("一つの非常に長い名前のついた区分であって収まらないもの", share, share)], words=words, name="x"
    )
    ET.fromstring(svg)
    assert "…" in svg
    assert ("hidden" in svg) == (share is None)
