"""A chart is one SVG element that a screen reader can read and nobody needs color for."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.charts import Axis, Mark, scatter, ticks

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*marks: Mark) -> ElementTree.Element:
    text = scatter(
        marks, x=Axis("risk (0 to 1)"), y=Axis("loss <0-1>"), title="A & B", description="what it shows", name="one"
    )
    return ElementTree.fromstring(text)


MARKS = (
    Mark(0.1, 0.5, "k 10", is_front=True, is_current=True),
    Mark(0.2, 0.3, "k 5 <b>", is_front=True),
    Mark(0.3, 0.6, "k 3"),
)


def test_chart_has_a_role_a_title_and_a_description() -> None:
    svg = drawn(*MARKS)
    assert svg.get("role") == "img"
    ids = svg.get("aria-labelledby", "").split()
    told = {one.get("id"): one.text for one in svg if one.get("id")}
    assert [told[name] for name in ids] == ["A & B", "what it shows"]


def test_axes_carry_their_words_and_text_is_escaped() -> None:
    texts = {one.text for one in drawn(*MARKS).iter(f"{SVG}text")}
    assert {"risk (0 to 1)", "loss <0-1>", "k 10", "k 5 <b>"} <= texts


def test_front_current_and_others_differ_in_shape_not_only_in_color() -> None:
    svg = drawn(*MARKS)
    filled = {(one.get("r"), one.get("fill") == "#fff") for one in svg.iter(f"{SVG}circle")}
    assert len(filled) == 2
    assert any("Z" in (one.get("d") or "") for one in svg.iter(f"{SVG}path"))
    dashed = [one for one in svg.iter(f"{SVG}path") if one.get("stroke-dasharray")]
    assert len(dashed) == 1


def test_chart_without_marks_is_still_a_chart() -> None:
    assert not list(drawn().iter(f"{SVG}circle"))


def test_labels_do_not_cover_each_other() -> None:
    crowded = [Mark(0.1 + n / 1000, 0.5, f"alternative number {n}", is_front=True) for n in range(40)]
    labels = [one for one in drawn(*crowded).iter(f"{SVG}text") if one.get("class") == "label"]
    assert 0 < len(labels) < 40


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_ticks_span_what_they_are_asked_for(low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    marks = ticks(low, high)
    assert marks[0] <= low + 1e-9 * max(1.0, abs(low))
    assert marks[-1] >= high - 1e-9 * max(1.0, abs(high))
    assert 2 <= len(marks) <= 14
    assert list(marks) == sorted(set(marks))


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1.0)), (0, 0.05, (0, 0.01, 0.02, 0.03, 0.04, 0.05))]
)
def test_ticks_are_round(low: float, high: float, expected: tuple[float, ...]) -> None:
    assert ticks(low, high) == expected
