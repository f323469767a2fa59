"""Risk figures follow from the class-size spectrum; people are counted where they are named."""

from collections import Counter, defaultdict

import ibis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.risk import risk
from policies.errors import DataError, PolicyError

TABLE = {
    "q": ["a", "a", "a", "b", "b", None],
    "who": ["1", "1", "2", "3", "4", "5"],
    "s": ["x", "x", "y", "x", None, "z"],
}


def test_rows_and_people_differ() -> None:
    by_row = risk(ibis.memtable(pa.table(TABLE)), quasi_identifiers=["q"])
    by_person = risk(ibis.memtable(pa.table(TABLE)), quasi_identifiers=["q"], person="who")
    assert (by_row.k, by_row.uniques, by_row.records, by_row.people) == (1, 1, 6, 6)
    assert (by_person.k, by_person.uniques, by_person.records, by_person.people) == (1, 1, 6, 5)
    assert by_row.prosecutor.mean == pytest.approx(3 / 6)
    assert by_person.prosecutor.mean == pytest.approx((3 / 2 + 2 / 2 + 1) / 6)
    assert by_row.prosecutor.at_risk == 1.0


def test_the_report_has_the_promised_shape() -> None:
    report = risk(ibis.memtable(pa.table(TABLE)), quasi_identifiers=["q"], sensitive=["s"]).as_json()
    assert {"k", "uniques", "records", "people", "prosecutor", "journalist", "marketer", "l", "t"} <= set(report)
    assert set(report["prosecutor"]) == {"max", "mean", "at_risk"}
    assert report["journalist"]["max"] == report["prosecutor"]["max"]
    assert report["journalist"]["basis"] == "upper_bound_without_population"
    assert report["marketer"] == report["prosecutor"]["mean"]
    assert report["spectrum"] == [
        {"size": 1, "classes": 1, "records": 1},
        {"size": 2, "classes": 1, "records": 2},
        {"size": 3, "classes": 1, "records": 3},
    ]


def test_without_a_sensitive_column_there_is_no_l_and_no_t() -> None:
    report = risk(ibis.memtable(pa.table(TABLE)), quasi_identifiers=["q"])
    assert report.l is None
    assert report.t is None


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from("12"), st.sampled_from(["x", "y", "z", None])),
        min_size=1,
        max_size=25,
    )
)
def test_every_figure_equals_a_plain_count(rows: list) -> None:
    table = pa.table(
        {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(("l", "classes", "__secret"))}
    )
    report = risk(ibis.memtable(table), quasi_identifiers=["l", "classes"], sensitive=["__secret"])
    classes = defaultdict(list)
    for row in rows:
        classes[row[:2]].append(row[2])
    overall = Counter(row[2] for row in rows)
    distances = []
    for values in classes.values():
        own = Counter(values)
        distances.append(sum(abs(own[v] / len(values) - overall[v] / len(rows)) for v in overall) / 2)
    assert report.k == min(map(len, classes.values()))
    assert report.uniques == sum(len(values) == 1 for values in classes.values())
    assert report.marketer == pytest.approx(len(classes) / len(rows))
    assert report.l == min(len(set(values) - {None}) for values in classes.values())
    assert report.t == pytest.approx(max(distances), abs=1e-12)


@pytest.mark.parametrize(
    ("table", "settings", "kind", "code"),
    [
        (TABLE, {"quasi_identifiers": []}, PolicyError, "policy.quasi-identifiers"),
        (TABLE, {"quasi_identifiers": ["q"], "sensitive": ["q"]}, PolicyError, "policy.quasi-identifiers"),
        (TABLE, {"quasi_identifiers": ["gone"]}, DataError, "data.column-missing"),
        ({"q": pa.array([], pa.string())}, {"quasi_identifiers": ["q"]}, DataError, "data.empty"),
        (
            {"q": ["a"], "who": pa.array([None], pa.string())},
            {"quasi_identifiers": ["q"], "person": "who"},
            DataError,
            "data.person-missing",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(table: dict, settings: dict, kind: type, code: str) -> None:
    with pytest.raises(kind) as caught:
        risk(ibis.memtable(pa.table(table)), **settings)
    assert caught.value.code == code
