"""Text becomes the declared type, or the row is refused with a stable reason."""

from datetime import date

import pyarrow as pa
import pytest

from pipelines.sources.quarantine import Reason
from pipelines.sources.values import arrow_schema, convert
from policies.errors import PolicyError
from policies.model.dataset import Column
from tests.support.source_tables import column, delimited


def _convert(cells: list[str | None], kind: str, **more: object):
    policy = delimited([column("c", kind, **more)])
    return convert([pa.array(cells, pa.string())], columns=policy.columns, schema=arrow_schema(policy))


@pytest.mark.parametrize(
    ("kind", "more", "text", "value"),
    [
        ("string", {}, " kept as it is ", " kept as it is "),
        ("string", {}, "全角", "全角"),
        ("integer", {}, "007", 7),
        ("integer", {}, "-9223372036854775808", -(2**63)),
        ("integer", {}, "9223372036854775807", 2**63 - 1),
        ("decimal", {}, "-.5", -0.5),
        ("decimal", {}, "1.", 1.0),
        ("decimal", {}, "6.02e23", 6.02e23),
        ("boolean", {}, "TRUE", True),
        ("boolean", {}, "0", False),
        ("date", {}, "2024-02-29", date(2024, 2, 29)),
        ("date", {"date_calendars": ["slash"]}, "2024/2/9", date(2024, 2, 9)),
        ("date", {"date_calendars": ["compact"]}, "20240209", date(2024, 2, 9)),
        ("date", {"date_calendars": ["omop"]}, "1998-04-09 00:00:00", date(1998, 4, 9)),
        ("date", {"date_calendars": ["omop"]}, "1998-04-09T23:30:00+09:00", date(1998, 4, 9)),
        ("date", {"date_calendars": ["iso", "wareki"]}, "昭和25年3月2日", date(1950, 3, 2)),
        ("date", {"date_calendars": ["iso", "wareki"]}, "S25.3.2", date(1950, 3, 2)),
        ("date", {"date_calendars": ["iso", "wareki"]}, "1950-03-02", date(1950, 3, 2)),
        ("timestamp", {}, "2024-02-09T10:20:30", "2024-02-09T10:20:30"),
        ("timestamp", {}, "2024-02-09 10:20:30.5+09:00", "2024-02-09T01:20:30.500000"),
        ("timestamp", {}, "2024-02-09T10:20:30Z", "2024-02-09T10:20:30"),
    ],
)
def test_what_fits_its_type_is_converted(kind: str, more: dict, text: str, value: object) -> None:
    converted = _convert([text], kind, **more)
    assert converted.refused == ()
    (found,) = converted.batch.column(0).to_pylist()
    assert (found.isoformat() if kind == "timestamp" else found) == value


@pytest.mark.parametrize(
    ("kind", "more", "text", "reason"),
    [
        ("integer", {}, "12.0", Reason.NOT_AN_INTEGER),
        ("integer", {}, "１２", Reason.NOT_AN_INTEGER),
        ("integer", {}, " 12", Reason.NOT_AN_INTEGER),
        ("integer", {}, "1_000", Reason.NOT_AN_INTEGER),
        ("integer", {}, "9223372036854775808", Reason.OUT_OF_RANGE),
        ("integer", {}, "9" * 5000, Reason.OUT_OF_RANGE),
        ("decimal", {}, "３.５", Reason.NOT_A_NUMBER),
        ("decimal", {}, "1,5", Reason.NOT_A_NUMBER),
        ("decimal", {}, "NaN", Reason.NOT_A_NUMBER),
        ("decimal", {}, "1e999", Reason.OUT_OF_RANGE),
        ("decimal", {"minimum": 0}, "-1", Reason.OUT_OF_RANGE),
        ("integer", {"maximum": 5}, "6", Reason.OUT_OF_RANGE),
        ("boolean", {}, "yes", Reason.NOT_A_BOOLEAN),
        ("date", {}, "2023-02-29", Reason.NOT_A_DATE),
        ("date", {}, "2023-W01-1", Reason.NOT_A_DATE),
        ("date", {}, "1950-03", Reason.NOT_A_DATE),
        ("date", {}, "0000-01-01", Reason.NOT_A_DATE),
        ("date", {}, "S25.3.2", Reason.NOT_A_DATE),
        ("date", {"date_calendars": ["wareki"]}, "昭和64年1月8日", Reason.NOT_A_DATE),
        ("date", {"date_calendars": ["omop"]}, "1998-04-09 25:00:00", Reason.NOT_A_DATE),
        ("timestamp", {}, "2024-02-09", Reason.NOT_A_TIMESTAMP),
        ("timestamp", {}, "0001-01-01T00:00:00+09:00", Reason.NOT_A_TIMESTAMP),
        ("string", {"allowed": ["1", "2"]}, "3", Reason.NOT_ALLOWED),
        ("string", {"required": True}, "", Reason.MISSING_REQUIRED),
        ("string", {"role": "person_key"}, "", Reason.MISSING_REQUIRED),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(kind: str, more: dict, text: str, reason: Reason) -> None:
    converted = (
        _convert(["", text], kind, **more)
        if not more.get("required") and "role" not in more
        else _convert([text], kind, **more)
    )
    assert [item.reason for item in converted.refused] == [reason]
    assert converted.batch.num_rows == (0 if text == "" else 1)


def test_empty_text_and_declared_nulls_are_null_in_every_type() -> None:
    for kind in ("string", "integer", "decimal", "date", "timestamp", "boolean"):
        policy = delimited([column("c", kind)])
        cells = pa.array(["", "NA", None], pa.string())
        converted = convert([cells], columns=policy.columns, schema=arrow_schema(policy), null_values=["NA"])
        assert converted.batch.column(0).null_count == 3


def test_a_row_is_refused_once_for_its_first_bad_column() -> None:
    policy = delimited([column("a", "integer"), column("b", "date")])
    cells = [pa.array(["x", "1", "2"]), pa.array(["y", "z", "2024-01-01"])]
    converted = convert(cells, columns=policy.columns, schema=arrow_schema(policy))
    assert [(item.row, item.reason, item.column) for item in converted.refused] == [
        (0, Reason.NOT_AN_INTEGER, "a"),
        (1, Reason.NOT_A_DATE, "b"),
    ]
    assert converted.batch.to_pylist() == [{"a": 2, "b": date(2024, 1, 1)}]


def test_lists_cannot_be_read_from_text() -> None:
    with pytest.raises(PolicyError) as caught:
        arrow_schema(delimited([column("c", "strings")]))
    assert caught.value.code == "policy.type-not-in-source"


def test_the_columns_of_a_policy_are_frozen() -> None:
    assert isinstance(delimited([column("c")]).columns[0], Column)
