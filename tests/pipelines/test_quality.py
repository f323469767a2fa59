"""The quality suite: what each expectation says, what is kept of the answer, and what never leaves it."""

import json
import logging
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.evidence import CheckKind, CheckResult
from anonymization.genome.release import PUBLISHED
from anonymization.hierarchies.builders import build_levels
from anonymization.small_cells import COUNT, STATUS
from pipelines.quality import judge, verdicts
from policies.load import load_library
from policies.model.method import AlleleFrequencies, DpStatistics, Microdata, SmallCells
from policies.vocabulary import QualityDimension

REPOSITORY = Path(__file__).resolve().parents[2]
SUITES = sorted((REPOSITORY / "policies" / "quality").glob("*.json"))
CANARY = "山田太郎カナリア"
NUMBER = 918273645


def expect(kind, *, severity="critical", dimension="validity", table="people", **kwargs):
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": {"dimension": dimension, "table": table}}


def suite(*entries):
    return {"name": "suite", "expectations": list(entries)}


def only(entry, **columns):
    (result,) = judge(suite(entry), {"people": pa.table(columns)})
    return result


def numbers(*values):
    return pa.array(values, pa.int64())


def text(*values):
    return pa.array(values, pa.string())


GRID = {"a": text("x", "x", "y"), "b": numbers(1, 2, 1)}
TWICE = {"a": text("x", "x", "y"), "b": numbers(1, 1, 1)}
ALLELES = {"an": numbers(20, 20), "ac": numbers(20, 11)}
# type: (settings, columns that pass, columns that fail)
CASES = {
    "expect_column_values_to_be_between": (
        {"column": "a", "min_value": 0, "max_value": 1},
        {"a": pa.array([0.0, 0.5, 1.0, None])},
        {"a": pa.array([0.0, 1.5])},
    ),
    "expect_column_values_to_be_in_set": (
        {"column": "a", "value_set": ["内科", "外科"]},
        {"a": text("内科", None, "外科")},
        {"a": text("内科", CANARY)},
    ),
    "expect_column_values_to_be_unique": ({"column": "a"}, {"a": text("x", "y", None, None)}, {"a": text("x", "x")}),
    "expect_column_values_to_match_regex": (
        {"column": "a", "regex": r"^(\d{2}-\d{2}|\*)$"},
        {"a": text("10-19", "*", None)},
        {"a": text("10-19", CANARY)},
    ),
    "expect_column_values_to_not_be_null": ({"column": "a"}, {"a": text("x", "")}, {"a": text("x", None)}),
    "expect_compound_columns_to_be_unique": ({"column_list": ["a", "b"]}, GRID, TWICE),
    "expect_column_pair_values_a_to_be_greater_than_b": (
        {"column_A": "an", "column_B": "ac", "or_equal": True},
        ALLELES,
        {"an": numbers(20, 20), "ac": numbers(20, 21)},
    ),
    "expect_table_columns_to_match_set": (
        {"column_set": ["b", "a"], "exact_match": True},
        GRID,
        {**GRID, "name": text("x", "x", "x")},
    ),
    "expect_table_row_count_to_equal": ({"value": 3}, GRID, {"a": text("x")}),
    "expect_table_row_count_to_be_between": ({"min_value": 1}, GRID, {"a": text()}),
}


def shipped(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", CASES)
def test_each_expectation_has_a_table_that_passes_and_one_that_fails(kind):
    settings, good, bad = CASES[kind]
    passed, failed = only(expect(kind, **settings), **good), only(expect(kind, **settings), **bad)
    assert passed.passed, passed.what
    assert not failed.passed
    assert "cannot be judged" not in failed.what
    assert passed.kind is failed.kind is CheckKind.QUALITY
    assert passed.blocking
    assert failed.blocking
    assert failed.what != passed.what
    assert failed.what.endswith(passed.what)


def test_every_type_that_a_shipped_suite_uses_is_covered_here():
    used = {entry["type"] for path in SUITES for entry in shipped(path)["expectations"]}
    assert used
    assert used <= set(CASES)


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_shipped_expectation_can_be_run(path):
    """On empty tables with the columns it names, everything about values holds, so nothing in the suite is amiss."""
    tables: dict[str, dict[str, pa.Array]] = {}
    for entry in shipped(path)["expectations"]:
        kwargs, columns = entry["kwargs"], tables.setdefault(entry["meta"]["table"], {})
        numeric = entry["type"].endswith(("_between", "_greater_than_b"))
        named = [kwargs.get(key) for key in ("column", "column_A", "column_B")]
        for name in [*named, *kwargs.get("column_list", []), *kwargs.get("column_set", [])]:
            if name is not None and (numeric or name not in columns):
                columns[name] = pa.array([], pa.float64() if numeric else pa.string())
    suite_json = shipped(path)
    results = judge(suite_json, {name: pa.table(columns) for name, columns in tables.items()})
    assert len(results) == len(suite_json["expectations"])
    assert len({result.name for result in results}) == len(results)
    assert [each.what for each in results if "cannot be judged" in each.what] == []
    assert [each.what for each in results if not each.passed and "row count" not in each.what] == []
    assert set(verdicts(results)) == {
        QualityDimension(entry["meta"]["dimension"]) for entry in suite_json["expectations"]
    }


def published(release):
    """The tables and columns that a release publishes, written out from its policy."""
    method = release.method
    if isinstance(method, DpStatistics):
        noisy = ["noisy", "value", "error_95"]
        return {query.name: [*(key.column for key in query.by), *noisy] for query in method.queries}
    if isinstance(method, SmallCells):
        return {method.table: [*method.by, COUNT, STATUS]}
    if isinstance(method, AlleleFrequencies):
        return {method.table: list(PUBLISHED)}
    tables = {entry.table: [c.output_name for c in entry.columns if c.leaves] for entry in release.tables}
    if isinstance(method, Microdata):
        people = [name for name in tables if name == "patients"]
        tables[method.record] = [*(column for name in people for column in tables.pop(name)), *tables[method.record]]
    return tables


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_shipped_suite_speaks_of_what_its_releases_publish(path):
    library = load_library(REPOSITORY / "policies")
    releases = [release for release in library.releases.values() if release.quality.suite == path.stem]
    assert releases
    for release in releases:
        tables = published(release)
        for entry in shipped(path)["expectations"]:
            kwargs, columns = entry["kwargs"], tables[entry["meta"]["table"]]
            named = [kwargs.get(key) for key in ("column", "column_A", "column_B")] + kwargs.get("column_list", [])
            assert {name for name in named if name is not None} <= set(columns)
            if entry["type"] == "expect_table_columns_to_match_set":
                assert sorted(kwargs["column_set"]) == sorted(columns)
        assert {entry["meta"]["table"] for entry in shipped(path)["expectations"]} == set(tables)


@pytest.mark.parametrize(
    ("column", "hierarchy", "apart"),
    # Years outside 2018-2026 cannot be reached by shifting the demo's dates; a diagnosis is never rolled up to the root.
    [("age", "age", ()), ("admitted", "admission-date", ("2017", "2027")), ("icd10", "icd10", ("*",))],
)
def test_the_patterns_of_the_anonymized_suite_know_every_label(column, hierarchy, apart):
    library = load_library(REPOSITORY / "policies")
    entries = library.suite("admissions-anonymized")["expectations"]
    (pattern,) = {e["kwargs"]["regex"] for e in entries if "regex" in e["kwargs"] and e["kwargs"]["column"] == column}
    labels = {label for level in build_levels(library.hierarchies[hierarchy]).labels for label in level}
    unknown = {label for label in labels if not re.search(pattern, label)}
    assert {label for label in unknown if not label.startswith(apart)} == set()


def everything_said(results, *captured):
    said = [json.dumps([each.as_json() for each in results], ensure_ascii=False), repr(results), *captured]
    return "\n".join(said)


def test_no_value_of_a_table_leaves_in_results_logs_or_output(caplog, capfd):
    caplog.set_level(logging.DEBUG)
    column = text(*[CANARY] * 12, "x")
    tables = {"people": pa.table({"a": column, "b": numbers(*[NUMBER] * 13), "c": text(*[CANARY] * 13)})}
    entries = [
        expect("expect_column_values_to_be_in_set", column="a", value_set=["x"]),
        expect("expect_column_values_to_match_regex", column="a", regex="^x$"),
        expect("expect_column_values_to_be_unique", column="a"),
        expect("expect_column_values_to_be_unique", column="b"),
        expect("expect_compound_columns_to_be_unique", column_list=["a", "b"]),
        expect("expect_column_values_to_be_between", column="b", max_value=1),
        # Errors inside: text against numbers, and what cannot be parsed as a date.
        expect("expect_column_values_to_be_between", column="a", max_value=1),
        expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b"),
        expect("expect_column_values_to_be_dateutil_parseable", column="a"),
        # Results whose observed value is a value of the table.
        expect("expect_column_max_to_be_between", column="b", max_value=1),
        expect("expect_column_distinct_values_to_be_in_set", column="a", value_set=["x"]),
        expect("expect_column_most_common_value_to_be_in_set", column="c", value_set=["x"]),
    ]
    results = judge(suite(*entries), tables)
    assert len(results) == len(entries)
    assert not any(result.passed for result in results)
    output = capfd.readouterr()
    said = everything_said(results, caplog.text, output.out, output.err)
    assert CANARY not in said
    assert str(NUMBER) not in said
    assert json.dumps(CANARY)[1:-1] not in said
    assert output.out == output.err == ""


def test_what_a_suite_tells_about_itself_is_not_handed_on(caplog):
    caplog.set_level(logging.DEBUG)
    entry = expect("expect_column_values_to_not_be_null", column="a")
    entry["meta"]["remark"] = CANARY
    entry["notes"] = CANARY
    results = judge(suite(entry), {"people": pa.table({"a": text("x")})})
    assert CANARY not in everything_said(results, caplog.text)


@pytest.mark.parametrize(("severity", "blocks"), [("critical", True), ("warning", False), ("info", False)])
def test_only_critical_expectations_block(severity, blocks):
    entry = expect("expect_column_values_to_not_be_null", severity=severity, column="a")
    for values in (text("x"), text(None)):
        result = only(entry, a=values)
        assert result.blocking is blocks
        assert result.passed is (values.null_count == 0)


def test_an_expectation_without_severity_blocks():
    entry = expect("expect_column_values_to_not_be_null", column="a")
    del entry["severity"]
    assert only(entry, a=text(None)).blocking


REFUSED = {
    "no such column": (expect("expect_column_values_to_not_be_null", column="gone"), "no column 'gone'"),
    "no such second column": (expect("expect_compound_columns_to_be_unique", column_list=["a", "gone"]), "'gone'"),
    "no such table": (expect("expect_column_values_to_not_be_null", table="gone", column="a"), "no table 'gone'"),
    "no such expectation": (expect("expect_the_spanish_inquisition", column="a"), "withheld"),
    "no column at all": (expect("expect_column_values_to_not_be_null"), "names no column"),
    "no such setting": (expect("expect_column_values_to_not_be_null", column="a", colour="red"), "withheld"),
    "broken pattern": (expect("expect_column_values_to_match_regex", column="a", regex="("), "withheld"),
    "wrong kind of column": (expect("expect_column_values_to_be_between", column="a", max_value=1), "withheld"),
    "code": (
        expect("expect_column_values_to_not_be_null", column="a", row_condition="a=='x'", condition_parser="pandas"),
        "not allowed",
    ),
    "whole results": (expect("expect_column_values_to_not_be_null", column="a", result_format="COMPLETE"), "not allow"),
    "query": (expect("unexpected_rows_expectation", unexpected_rows_query="SELECT 1"), "`type`"),
    "unknown dimension": (expect("expect_column_values_to_not_be_null", dimension="beauty", column="a"), "dimension"),
    "unknown severity": (expect("expect_column_values_to_not_be_null", severity="mild", column="a"), "severity"),
    "no meta": ({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}, "dimension"),
    "no object": ("expect_column_values_to_not_be_null", "not an object"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_judged_fails_and_blocks(case):
    entry, said = REFUSED[case]
    if isinstance(entry, dict) and case != "unknown severity":
        entry = {**entry, "severity": "warning"}
    result = only(entry, a=text("x", CANARY))
    assert not result.passed
    assert result.blocking
    assert said in result.what
    assert "Traceback" not in result.what
    assert CANARY not in everything_said([result])
    assert result.measured == {}


@pytest.mark.parametrize("empty", [{}, {"expectations": []}, {"expectations": None}, {"expectations": "all"}])
def test_a_suite_without_expectations_fails_and_blocks(empty):
    (result,) = judge(empty, {"people": pa.table({"a": text("x")})})
    assert (result.passed, result.blocking, result.dimension) == (False, True, None)


def test_a_broken_expectation_spoils_no_other():
    good = expect("expect_column_values_to_not_be_null", column="a")
    results = judge(suite(REFUSED["no such expectation"][0], good), {"people": pa.table({"a": text("x")})})
    assert [result.passed for result in results] == [False, True]


def test_two_columns_of_one_name_cannot_be_judged():
    table = pa.Table.from_arrays([text("x"), text("x")], names=["a", "a"])
    (result,) = judge(suite(expect("expect_column_values_to_not_be_null", column="a")), {"people": table})
    assert not result.passed
    assert "more than one column 'a'" in result.what


def test_figures_are_those_of_the_table():
    column = text(*["x"] * 60, *["y"] * 20, *[None] * 20)
    result = only(expect("expect_column_values_to_be_in_set", column="a", value_set=["x"]), a=column)
    assert result.measured == {
        "element_count": 100,
        "missing_count": 20,
        "unexpected_count": 20,
        "missing_percent": 20.0,
        "unexpected_percent": 25.0,
        "unexpected_percent_total": 20.0,
        "unexpected_percent_nonmissing": 25.0,
    }
    assert result.what.startswith("20 contradict: table 'people', column 'a': ")


@pytest.mark.parametrize(
    ("good", "bad", "missing", "shown"),
    [
        (100, 0, 0, (100, 0, 0)),
        (91, 9, 0, (100, 0, "<10")),
        (90, 10, 0, (100, 0, 10)),
        (95, 0, 5, (100, "<10", 0)),
        # What is left over is as telling as what is counted.
        (9, 91, 0, (100, 0, "hidden")),
        (0, 9, 91, (100, "hidden", "<10")),
        (9, 11, 80, (100, 80, "hidden")),
        (5, 3, 0, ("<10", 0, "<10")),
        (0, 0, 100, (100, 100, 0)),
        (0, 100, 0, (100, 0, 100)),
    ],
)
def test_small_counts_are_hidden_and_cannot_be_worked_out(good, bad, missing, shown):
    column = text(*["x"] * good, *["y"] * bad, *[None] * missing)
    result = only(expect("expect_column_values_to_be_in_set", column="a", value_set=["x"]), a=column)
    assert result.passed is (bad == 0)
    names = ("element_count", "missing_count", "unexpected_count")
    assert tuple(result.measured[name] for name in names) == shown
    hidden = any(isinstance(figure, str) for figure in shown)
    assert any(name.endswith("percent") for name in result.measured) is not hidden


@given(good=st.integers(0, 40), bad=st.integers(0, 40), missing=st.integers(0, 40))
def test_no_difference_of_shown_counts_is_small(good, bad, missing):
    column = text(*["x"] * good, *["y"] * bad, *[None] * missing)
    result = only(expect("expect_column_values_to_be_in_set", column="a", value_set=["x"]), a=column)
    total, absent, wrong = (result.measured[f"{name}_count"] for name in ("element", "missing", "unexpected"))
    shown = [count for count in (total, absent, wrong) if isinstance(count, int)]
    if isinstance(total, int):
        shown += [total - count for count in (absent, wrong) if isinstance(count, int)]
        if isinstance(absent, int) and isinstance(wrong, int):
            shown.append(total - absent - wrong)
    assert [count for count in shown if 0 < count < 10] == []


@pytest.mark.parametrize(("rows", "shown"), [(0, 0), (1, "<10"), (9, "<10"), (10, 10)])
def test_the_number_of_rows_is_hidden_when_it_is_small(rows, shown):
    result = only(expect("expect_table_row_count_to_be_between", max_value=0), a=text(*["x"] * rows))
    assert result.passed is (rows == 0)
    assert result.measured == {"observed_value": shown}


def test_an_empty_table_keeps_what_is_said_of_values_and_breaks_what_is_said_of_rows():
    values = [entry for entry in CASES if "row_count" not in entry and "table" not in entry]
    for kind in values:
        settings, good, _ = CASES[kind]
        result = only(expect(kind, **settings), **{name: column[:0] for name, column in good.items()})
        assert result.passed, kind
        assert result.measured["element_count"] == 0
    assert not only(expect("expect_table_row_count_to_be_between", min_value=1), a=text()).passed


def test_mostly_leaves_room_for_some_nulls():
    entry = expect("expect_column_values_to_not_be_null", column="a", mostly=0.9)
    assert only(entry, a=text(*["x"] * 9, None)).passed
    assert not only(entry, a=text(*["x"] * 8, None, None)).passed


@pytest.mark.parametrize("column", ["numbers", "days", "words"])
def test_a_null_beside_a_value_contradicts_a_comparison(column):
    low, high = {
        "numbers": (1, 2),
        "days": (date(2020, 1, 1), date(2020, 1, 2)),
        "words": ("a", "b"),
    }[column]
    entry = expect("expect_column_pair_values_a_to_be_greater_than_b", column_A="a", column_B="b")
    assert only(entry, a=pa.array([high, None]), b=pa.array([low, None])).passed
    for one_sided in ({"a": [high, None], "b": [low, low]}, {"a": [high, high], "b": [low, None]}):
        result = only(entry, **{name: pa.array(values) for name, values in one_sided.items()})
        assert not result.passed
        assert "cannot be judged" not in result.what


def test_two_rows_with_the_same_null_are_not_unique_together():
    entry = expect("expect_compound_columns_to_be_unique", column_list=["a", "b"])
    assert not only(entry, a=text("x", "x"), b=numbers(None, None)).passed


def test_nan_is_no_null_but_lies_outside_every_range():
    column = pa.array([1.0, float("nan")])
    assert only(expect("expect_column_values_to_not_be_null", column="a"), a=column).passed
    assert not only(expect("expect_column_values_to_be_between", column="a", min_value=0), a=column).passed


def test_large_whole_numbers_beside_nulls_stay_whole():
    column = numbers(2**53, 2**53 + 1, None)
    assert only(expect("expect_column_values_to_be_unique", column="a"), a=column).passed
    assert only(expect("expect_column_values_to_match_regex", column="a", regex=r"^\d+$"), a=column).passed


def test_columns_that_no_expectation_reads_are_not_touched():
    unread = pa.array([{"deep": [1]}], pa.struct([("deep", pa.list_(pa.int64()))]))
    assert only(expect("expect_column_values_to_not_be_null", column="a"), a=text("x"), b=unread).passed
    assert only(expect("expect_table_row_count_to_equal", value=1), a=text("x"), b=unread).passed


def test_names_are_stable_and_told_apart():
    entry = expect("expect_column_values_to_not_be_null", column="a")
    pair = expect("expect_compound_columns_to_be_unique", column_list=["a", "b"])
    rows = expect("expect_table_row_count_to_equal", value=1)
    results = judge(suite(entry, entry, pair, rows), {"people": pa.table({"a": text("x"), "b": text("x")})})
    assert [result.name for result in results] == [
        "quality.people.column_values_to_not_be_null.a",
        "quality.people.column_values_to_not_be_null.a.2",
        "quality.people.compound_columns_to_be_unique.a+b",
        "quality.people.table_row_count_to_equal",
    ]


def check(passed, dimension, *, kind=CheckKind.QUALITY, blocking=True):
    return CheckResult(name="x", kind=kind, passed=passed, blocking=blocking, what="x", dimension=dimension)


def test_a_dimension_is_good_when_all_that_speaks_about_it_is():
    complete, valid, unique = (QualityDimension(name) for name in ("completeness", "validity", "uniqueness"))
    results = [
        check(True, valid),
        check(True, complete),
        check(False, complete, blocking=False),
        check(True, unique, kind=CheckKind.RULE),
        check(False, valid, kind=CheckKind.RECOUNT),
        check(False, None),
    ]
    assert verdicts(results) == {complete: False, valid: True}
    assert list(verdicts(results)) == [complete, valid]
    assert verdicts([]) == {}


def test_all_six_dimensions_are_told_apart():
    entries = [
        expect("expect_column_values_to_not_be_null", dimension=dimension.value, column=column)
        for dimension, column in zip(QualityDimension, ["a", "b"] * 3, strict=True)
    ]
    results = judge(suite(*entries), {"people": pa.table({"a": text("x"), "b": text(None)})})
    assert list(verdicts(results).items()) == list(zip(QualityDimension, [True, False] * 3, strict=True))


@pytest.mark.slow
def test_a_process_that_takes_every_warning_as_an_error_can_judge(tmp_path):
    """In a process of its own, because a library's warnings about itself come once, when it is imported."""
    program = (
        "import logging, sys\n"
        "logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)\n"
        "from tests.pipelines.test_quality import CASES, expect, only\n"
        "assert 'great_expectations' not in sys.modules\n"
        "for kind, (settings, good, bad) in CASES.items():\n"
        "    assert only(expect(kind, **settings), **good).passed\n"
        "    assert not only(expect(kind, **settings), **bad).passed\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.returncode == 0
    assert "great_expectations" not in ran.stdout
    assert list(tmp_path.iterdir()) == []
