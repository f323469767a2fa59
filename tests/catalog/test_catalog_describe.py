import json
from datetime import date
from typing import Any

import pytest

from anonymization.evidence import CheckKind, CheckResult
from catalog.describe import PackageFacts, describe, round_up
from catalog.records import AccessRights, CatalogRecord
from policies.errors import DataError, PolicyError
from policies.vocabulary import ColumnType

METHODS = ("microdata", "dp_statistics", "small_cells", "allele_frequencies", "controlled_rows")


def _describe(build: Any, kind: str = "microdata", **changes: Any) -> CatalogRecord:
    arguments: dict[str, Any] = {
        "evidence": build.evidence(kind),
        "checks": (),
        "issued": date(2026, 12, 1),
        "policy_digest": "sha256:0",
        **changes,
    }
    return describe(build.release(kind), {"admissions": build.dataset()}, **arguments)


@pytest.mark.parametrize("kind", METHODS)
def test_no_exact_count_is_in_a_record(build: Any, kind: str) -> None:
    written = _describe(build, kind).model_dump_json()
    for exact in ("4987", "5012", "9000", "8990", "211"):
        assert exact not in written


def test_people_are_rounded_down_or_hidden(build: Any) -> None:
    def people(kind: str, count: int | None) -> str | None:
        return _describe(build, kind, evidence=build.evidence(kind, people_out=count)).people_out

    assert people("microdata", 4987) == "4,980+"
    assert people("microdata", 9) == "<10"
    assert people("microdata", None) == "-"
    assert people("dp_statistics", 4987) is None


def test_k_is_what_the_policy_promises(build: Any) -> None:
    record = _describe(build)
    assert record.evidence.k == 10
    with pytest.raises(DataError, match=r"catalog\.k-not-reached"):
        _describe(build, evidence=build.evidence("dp_statistics"))


def test_a_failed_blocking_check_is_not_described(build: Any) -> None:
    failed = CheckResult("recount", CheckKind.RECOUNT, passed=False, blocking=True, what="3 of 211 classes")
    with pytest.raises(DataError, match=r"catalog\.check-failed") as caught:
        _describe(build, checks=(failed,))
    assert "211" not in str(caught.value)
    warned = CheckResult("timeliness", CheckKind.QUALITY, passed=False, blocking=False, what="old")
    summary = _describe(build, checks=(warned,)).evidence
    assert (summary.checks_passed, summary.checks_total, summary.checks) == (1, 2, ("recount-k",))


def test_access_follows_delivery(build: Any) -> None:
    assert build.record(delivery=("open",)).access is AccessRights.PUBLIC
    assert build.record(delivery=("statistic",)).access is AccessRights.RESTRICTED
    assert build.record(delivery=("statistic", "extract")).access is AccessRights.NON_PUBLIC


def test_the_dictionary_lists_what_leaves_with_its_treatment(build: Any) -> None:
    (table,) = _describe(build).tables
    names = [column.name for column in table.columns]
    assert names == ["sex", "age_band", "stay_id", "admit_date", "icd10", "hba1c"]
    age = table.columns[1]
    assert age.type is ColumnType.STRING
    assert "満年齢" in age.treatment.ja
    assert "full years" in age.treatment.en
    assert "patient_no" not in _describe(build).model_dump_json()


def test_controlled_rows_keep_their_tables_apart(build: Any) -> None:
    assert [table.name for table in _describe(build, "controlled_rows").tables] == ["patients", "stays"]


def test_the_dictionary_is_that_of_the_files_where_they_are_known(build: Any) -> None:
    schema = {"stays": {"age_band": ColumnType.STRING, "weight": ColumnType.DECIMAL}}
    (table,) = _describe(build, package=PackageFacts(schema=schema)).tables
    assert [(column.name, column.ja) for column in table.columns] == [("age_band", "生年月日"), ("weight", "weight")]


@pytest.mark.parametrize(
    ("size", "shown"), [(0, 0), (1, 1), (9, 9), (10, 10), (11, 20), (123_456, 200_000), (950, 1000)]
)
def test_sizes_are_rounded_up_to_one_digit(size: int, shown: int) -> None:
    assert round_up(size) == shown


@pytest.mark.parametrize("kind", METHODS)
def test_a_record_reads_back_as_it_was_written(build: Any, kind: str) -> None:
    record = build.record(kind)
    assert CatalogRecord.model_validate_json(record.model_dump_json(by_alias=True)) == record
    assert json.loads(json.dumps(record.as_json()))["schema"] == "niji/record/v1"


def test_an_unknown_dataset_or_table_is_refused(build: Any) -> None:
    arguments = {"evidence": build.evidence(), "checks": (), "issued": date(2026, 12, 1), "policy_digest": "x"}
    with pytest.raises(PolicyError, match=r"catalog\.dataset-missing"):
        describe(build.release(), {}, **arguments)
    bare = build.dataset().model_copy(update={"tables": build.dataset().tables[:1]})
    with pytest.raises(PolicyError, match=r"catalog\.table-missing"):
        describe(build.release(), {"admissions": bare}, **arguments)


def test_treatments_are_said_in_order_without_the_reviewers_reason() -> None:
    from catalog.wording import treatment_sentence
    from policies.model.treatment import DropColumn, Keep, Round

    said = treatment_sentence((Keep(op="keep", reason="only for reviewers"), Round(op="round", to="0.5")))
    assert said.ja == "そのまま、0.5 の倍数に丸める"
    assert said.en == "as it is, then is rounded to multiples of 0.5"
    assert "reviewers" not in said.en
    assert treatment_sentence((DropColumn(op="drop_column"),)).ja.startswith("削除する")
