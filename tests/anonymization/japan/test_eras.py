"""Era dates: golden dates at each era's edge, spellings, refusals, and the law that writing and reading agree."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.japan.eras import ERAS, format_wareki, parse_wareki


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("明治6年1月1日", date(1873, 1, 1)),
        ("明治45年7月29日", date(1912, 7, 29)),
        ("大正元年7月30日", date(1912, 7, 30)),
        ("大正15年12月24日", date(1926, 12, 24)),
        ("昭和元年12月25日", date(1926, 12, 25)),
        ("昭和64年1月7日", date(1989, 1, 7)),
        ("平成元年1月8日", date(1989, 1, 8)),
        ("平成31年4月30日", date(2019, 4, 30)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("S25.3.2", date(1950, 3, 2)),
        ("s25/03/02", date(1950, 3, 2)),
        ("H1-2-3", date(1989, 2, 3)),
        ("R元.5.1", date(2019, 5, 1)),
        ("Ｓ２５．３．２", date(1950, 3, 2)),
        ("昭和２５年３月２日", date(1950, 3, 2)),
        ("昭和 25年 3月 2日", date(1950, 3, 2)),
        ("㍼25年3月2日", date(1950, 3, 2)),
        ("昭和二十五年三月二日", date(1950, 3, 2)),
        ("昭和十年十月三十一日", date(1935, 10, 31)),
        ("S250302", date(1950, 3, 2)),
        ("T10−4−5", date(1921, 4, 5)),
        ("昭和27年2月29日", date(1952, 2, 29)),
    ],
)
def test_spellings_are_understood(text, expected):
    assert parse_wareki(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1950-03-02",
        "昭和25年",
        "昭和25年2月30日",
        "昭和26年2月29日",
        "昭和0年1月1日",
        "昭和64年1月8日",
        "平成元年1月7日",
        "平成31年5月1日",
        "令和元年4月30日",
        "大正15年12月25日",
        "昭和元年12月24日",
        "明治5年12月2日",
        "S25.3/2",
        "S25.13.2",
        "X25.3.2",
        "昭和25年3月2日生",
        "S2503021",
    ],
)
def test_what_is_not_a_day_of_its_era_is_refused(text):
    assert parse_wareki(text) is None


@given(st.dates(date(1873, 1, 1), date(2060, 12, 31)), st.booleans())
def test_what_is_written_is_read_back(day, short):
    assert parse_wareki(format_wareki(day, short=short)) == day


@given(st.sampled_from(ERAS), st.integers(1, 70), st.integers(1, 12), st.integers(1, 31))
def test_a_parsed_day_lies_in_its_era(era, year, month, day):
    parsed = parse_wareki(f"{era.letter}{year}.{month}.{day}")
    assert parsed is None or (era.first <= parsed and (era.after is None or parsed < era.after))


@given(st.text(max_size=30))
def test_any_text_is_answered(text):
    parse_wareki(text)


def test_no_era_before_the_solar_calendar():
    assert format_wareki(date(1872, 12, 31)) is None
