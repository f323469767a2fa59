"""Delimited text: encodings, headers, ragged rows, archives; refusals name files, lines and columns, never cells."""

import contextlib
import csv
import gzip
import io
import zipfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.quarantine import Reason
from pipelines.sources.read import TableReader, read_table
from policies.errors import DataError, PolicyError
from policies.model.dataset import TablePolicy
from tests.support.source_tables import column, delimited, table

CODECS = {"utf-8": "utf-8", "utf-8-bom": "utf-8-sig", "cp932": "cp932", "shift_jis": "shift_jis", "euc-jp": "euc_jp"}
SECRET = "CANARY山田"


def _read(landing: Path, data: bytes, policy: TablePolicy, **more: int) -> TableReader:
    (landing / "t.csv").write_bytes(data)
    reader = read_table(policy, landing=landing, **more)
    reader.table_read = reader.read_all()  # type: ignore[attr-defined]
    return reader


def _refused(landing: Path, data: bytes, policy: TablePolicy) -> DataError:
    with pytest.raises(DataError) as caught:
        _read(landing, data, policy)
    return caught.value


TWO = [column("id", "integer"), column("name")]


@pytest.mark.parametrize("encoding", CODECS)
def test_every_declared_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    data = "id,name\r\n1,高橋はな\r\n2,ｶﾅ\r\n".encode(CODECS[encoding])
    reader = _read(tmp_path, data, delimited(TWO, encoding=encoding))
    assert reader.table_read.to_pylist() == [{"id": 1, "name": "高橋はな"}, {"id": 2, "name": "ｶﾅ"}]
    assert reader.rows == 2
    assert list(reader.source_digests) == ["t.csv"]


@cache
def _letters(codec: str) -> list[str]:
    """Every character of the basic plane that the codec writes and reads back as it was, but NUL and escape."""
    letters = (chr(code) for code in range(1, 0xD800) if code != 0x1B)
    return [letter for letter in letters if letter.encode(codec, "ignore").decode(codec, "replace") == letter]


@given(data=st.data())
@pytest.mark.parametrize("encoding", CODECS)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, encoding: str, data: st.DataObject
) -> None:
    codec = CODECS[encoding]
    cell = st.text(st.sampled_from(_letters(codec)) | st.sampled_from('A0,"\n\r\t 漢ｱ'), max_size=8)
    rows = data.draw(st.lists(st.tuples(cell, cell), min_size=1, max_size=20))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=data.draw(st.sampled_from(",\t;|")), quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *rows])
    landing = tmp_path_factory.mktemp("landing")
    policy = delimited([column("a"), column("b")], encoding=encoding, delimiter=writer.dialect.delimiter)
    reader = _read(landing, text.getvalue().encode(codec), policy, batch_rows=7)
    assert [tuple(row.values()) for row in reader.table_read.to_pylist()] == [(a or None, b or None) for a, b in rows]
    assert reader.quarantine.total == 0


def test_lines_are_right_after_line_breaks_inside_quotes(tmp_path: Path) -> None:
    data = b'id,name\n1,"two\nlines"\nx,bad\n3,ok\n'
    reader = _read(tmp_path, data, delimited(TWO))
    assert [(row.file, row.line, row.reason, row.column) for row in reader.quarantine] == [
        ("t.csv", 4, Reason.NOT_AN_INTEGER, "id")
    ]


def test_ragged_rows_nul_bytes_blank_lines_and_bad_quotes_are_quarantined(tmp_path: Path) -> None:
    data = b'id,name\n1\n2,b,c\n\n3,a\0b\n4,"x"y\n5,fine\n\n'
    reader = _read(tmp_path, data, delimited(TWO))
    assert reader.table_read.to_pylist() == [{"id": 5, "name": "fine"}]
    assert {(row.line, row.reason) for row in reader.quarantine} == {
        (2, Reason.WRONG_FIELD_COUNT),
        (3, Reason.WRONG_FIELD_COUNT),
        (4, Reason.BLANK_LINE),
        (5, Reason.NUL_BYTE),
        (6, Reason.BAD_QUOTING),
    }
    assert reader.quarantine.as_table().num_rows == 5
    assert reader.quarantine.counts[Reason.WRONG_FIELD_COUNT] == 2


def test_no_line_of_a_broken_row_is_lost_without_a_trace(tmp_path: Path) -> None:
    reader = _read(tmp_path, b'id,name\n1,"a\n2,b\n3,"c\n4,d\n', delimited(TWO))
    assert [row.line for row in reader.quarantine if row.reason is Reason.BAD_QUOTING] == [2, 3, 4]


def test_a_row_that_does_not_decode_is_quarantined(tmp_path: Path) -> None:
    rows = b"".join(f"{n},漢字\n".encode("cp932") for n in range(5))
    reader = _read(tmp_path, b"id,name\n" + rows + b"9,\x82\n", delimited(TWO, encoding="cp932"))
    assert [(row.line, row.reason) for row in reader.quarantine] == [(7, Reason.UNDECODABLE)]
    assert reader.rows == 5


def test_an_undecodable_byte_late_in_a_large_file_is_found(tmp_path: Path) -> None:
    rows = b"".join(b"%d,%s\n" % (n, b"x" * 90) for n in range(2000))
    reader = _read(tmp_path, b"id,name\n" + rows + b"9999,\xff\n", delimited(TWO))
    assert [(row.line, row.reason, row.column) for row in reader.quarantine] == [(2002, Reason.UNDECODABLE, "name")]


@pytest.mark.parametrize(
    ("data", "encoding", "line"),
    [
        ("名前\n".encode("cp932"), "utf-8", 1),
        ("id,name\n1,漢\n2,字\n3,列\n".encode("cp932"), "utf-8", 2),
        ("id,name\n1,日本語の名前\n".encode(), "cp932", 1),
        ("id,name\n1,日本語の名前\n".encode(), "euc-jp", 1),
        ("id,name\n1,漢\n".encode("utf-16"), "utf-8", 1),
        ("id,name\n1,漢\n".encode("utf-16-le"), "cp932", 1),
        ("id,name\n1,漢\n".encode("iso2022_jp"), "cp932", 2),
        ("id,name\n1,a\n".encode("utf-8-sig"), "utf-8", 1),
        ("id,name\n1,がぎ\n2,ぐげ\n3,ごあ\n".encode("cp932"), "euc-jp", 2),
    ],
)
def test_a_wrong_encoding_that_the_bytes_prove_is_refused(
    tmp_path: Path, data: bytes, encoding: str, line: int
) -> None:
    error = _refused(tmp_path, data, delimited(TWO, encoding=encoding))
    assert (error.code, error.where.file, error.where.line) == ("data.wrong-encoding", "t.csv", line)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "data.empty-file"),
        (b"\n\n", "data.empty-file"),
        (b"id,name\n", "data.empty-table"),
        (b"id,name\nx,1\ny,2\n", "data.empty-table"),
        (b"id\n1\n", "data.missing-column"),
        (b"id,name,phone\n1,a,b\n", "data.extra-column"),
        (b"id,name,name\n1,a,b\n", "data.duplicate-column"),
        (b"id,name,\n1,a,b\n", "data.unnamed-column"),
        (b",,\n1,a,b\n", "data.unnamed-column"),
        (b'id,name\n1,"open\n2,b\n', "data.unclosed-quote"),
        (b'id,name\n1,"' + b"x" * 200_000 + b'"\n', "data.field-too-long"),
        (b"\x1f\x8b\x08\x00", "data.undeclared-gzip"),
        (b"PK\x03\x04", "data.member-missing"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    assert _refused(tmp_path, data, delimited(TWO)).code == code


def test_a_missing_header_is_not_quoted_as_columns(tmp_path: Path) -> None:
    error = _refused(tmp_path, f"1,{SECRET}\n2,{SECRET}\n".encode(), delimited(TWO))
    assert error.code == "data.missing-column"
    assert SECRET not in str(error)


def test_extra_columns_are_named_and_may_be_ignored(tmp_path: Path) -> None:
    data = b"phone,id,name\n0,1,a\n"
    assert "'phone'" in _refused(tmp_path, data, delimited(TWO)).what
    reader = _read(tmp_path, data, delimited(TWO, ignored_columns=["phone"]))
    assert reader.table_read.to_pylist() == [{"id": 1, "name": "a"}]


def test_without_a_header_columns_are_taken_in_policy_order(tmp_path: Path) -> None:
    reader = _read(tmp_path, b"1;a\n2;b\n", delimited(TWO, header=False, delimiter=";"))
    assert reader.table_read.column("id").to_pylist() == [1, 2]


@pytest.mark.parametrize("kind", ["register", "reference"])
def test_a_register_or_reference_may_have_no_row(tmp_path: Path, kind: str) -> None:
    assert _read(tmp_path, b"id,name\n", delimited(TWO, kind=kind)).table_read.num_rows == 0


def test_a_register_with_a_refused_row_is_refused(tmp_path: Path) -> None:
    error = _refused(tmp_path, b"id,name\n1,a\nx,b\n", delimited(TWO, kind="register"))
    assert (error.code, error.where.line) == ("data.register-incomplete", 3)


def test_gzip_is_unpacked_by_name_and_its_faults_are_refused(tmp_path: Path) -> None:
    policy = delimited(TWO, path="t.csv.gz")
    whole = gzip.compress(b"id,name\n" + b"".join(b"%d,%d\n" % (n, n * 7919 % 1000) for n in range(5000)))
    for data, code in (
        (whole[:-2000], "data.truncated"),
        (whole[:-3], "data.truncated"),
        (b"id,name\n1,a\n", "data.not-gzip"),
        (b"", "data.truncated"),
        (whole[:-8] + bytes(8), "data.corrupt"),
    ):
        (tmp_path / "t.csv.gz").write_bytes(data)
        with pytest.raises(DataError) as caught:
            read_table(policy, landing=tmp_path).read_all()
        assert caught.value.code == code
    (tmp_path / "t.csv.gz").write_bytes(whole)
    assert read_table(policy, landing=tmp_path).read_all().num_rows == 5000


def test_a_zip_member_is_read_and_its_faults_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("in/t.csv", "id,name\n1,a\n")
    assert read_table(delimited(TWO, path="t.zip", member="in/t.csv"), landing=tmp_path).read_all().num_rows == 1
    (tmp_path / "cut.zip").write_bytes((tmp_path / "t.zip").read_bytes()[:40])
    broken = bytearray((tmp_path / "t.zip").read_bytes())
    broken[broken.index(b"1,a")] ^= 1
    (tmp_path / "bad.zip").write_bytes(bytes(broken))
    for path, member, code in (
        ("t.zip", "t.csv", "data.member-missing"),
        ("cut.zip", "in/t.csv", "data.not-zip"),
        ("bad.zip", "in/t.csv", "data.corrupt"),
        ("t.zip", None, "data.member-missing"),
    ):
        with pytest.raises(DataError) as caught:
            read_table(delimited(TWO, path=path, member=member), landing=tmp_path).read_all()
        assert caught.value.code == code


@pytest.mark.parametrize("path", ["../t.csv", "/etc/hostname", "a/../../t.csv", "link.csv", "folder/t.csv"])
def test_no_path_leads_out_of_the_landing_folder(tmp_path: Path, path: str) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (tmp_path / "t.csv").write_bytes(b"id,name\n1,a\n")
    (landing / "link.csv").symlink_to(tmp_path / "t.csv")
    (landing / "folder").symlink_to(tmp_path)
    with pytest.raises(DataError) as caught:
        read_table(delimited(TWO, path=path), landing=landing)
    assert caught.value.code == "data.outside-landing"


def test_a_wildcard_is_no_wildcard_in_the_name_of_one_file(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "[a].csv"):
        (tmp_path / name).write_bytes(b"id,name\n1,a\n")
    assert read_table(delimited(TWO, path="[a].csv"), landing=tmp_path).read_all().num_rows == 1
    with pytest.raises(DataError) as caught:
        read_table(delimited(TWO, path="*.csv"), landing=tmp_path)
    assert caught.value.code == "data.source-missing"


@pytest.mark.parametrize("path", ["none.csv", "folder", "loop.csv", "nul\0.csv", "x" * 300])
def test_a_missing_file_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with pytest.raises(DataError) as caught:
        read_table(delimited(TWO, path=path), landing=tmp_path)
    assert caught.value.code == "data.source-missing"


def test_delimiter_and_quote_must_differ() -> None:
    with pytest.raises(PolicyError):
        read_table(delimited(TWO, delimiter='"'), landing=Path())


def test_a_reader_can_be_read_twice_and_says_no_value(tmp_path: Path) -> None:
    reader = _read(tmp_path, f"id,name\n1,{SECRET}\n{SECRET},b\n".encode(), delimited(TWO))
    first = dict(reader.source_digests)
    assert reader.read_all().num_rows == 1
    assert (reader.quarantine.total, reader.source_digests) == (1, first)
    shown = (
        repr(reader) + repr(reader.quarantine.rows) + str(reader.quarantine.as_table()) + reader.quarantine.summary()
    )
    assert SECRET not in shown


def test_batches_have_at_most_the_asked_number_of_rows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"id,name\n" + b"1,a\n" * 25)
    reader = read_table(delimited(TWO), landing=tmp_path, batch_rows=10)
    assert [batch.num_rows for batch in reader] == [10, 10, 5]
    assert reader.batches == 3


@given(st.binary(max_size=300), st.sampled_from(sorted(CODECS)))
def test_any_bytes_end_with_rows_or_a_coded_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, encoding: str
) -> None:
    landing = tmp_path_factory.mktemp("landing")
    for head in (b"", b"id,name\n"):
        (landing / "t.csv").write_bytes(head + data)
        with contextlib.suppress(DataError):
            read_table(delimited(TWO, encoding=encoding), landing=landing).read_all()


YEARLY = {"paths": ["people_*.csv"], "columns_from_path": {"year": "_([0-9]{4})"}}


def test_yearly_files_are_one_table_and_the_year_comes_from_their_names(tmp_path: Path) -> None:
    (tmp_path / "people_2009.csv").write_text("name,id\nb,2\n")  # each file has its own order of columns
    (tmp_path / "people_2008.csv").write_text("id,name\n1,a\n1,a\n")
    (tmp_path / "places_2008.csv").write_text("id,name\n9,z\n")
    reader = read_table(delimited([column("year", "integer"), *TWO], **YEARLY), landing=tmp_path)
    assert [tuple(row.values()) for row in reader.read_all().to_pylist()] == [
        (2008, 1, "a"),
        (2008, 1, "a"),
        (2009, 2, "b"),
    ]
    assert len(reader.source_digests) == 2


def test_a_bad_row_of_several_files_names_file_and_line_but_not_the_file_name(tmp_path: Path) -> None:
    (tmp_path / f"people_2008_{SECRET}.csv").write_text("id,name\n1,a\n")
    (tmp_path / f"people_2009_{SECRET}.csv").write_text("id,name\nx,a\n2,b\n")
    reader = read_table(delimited([column("year", "integer"), *TWO], **YEARLY), landing=tmp_path)
    assert reader.read_all().column("id").to_pylist() == [1, 2]
    (refused,) = reader.quarantine
    assert (refused.file, refused.line, refused.column) == ("./#2", 2, "id")


def test_a_file_whose_name_lacks_the_year_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"people_{SECRET}.csv").write_text("id,name\n1,a\n")
    reader = read_table(delimited([column("year", "integer"), *TWO], **YEARLY), landing=tmp_path)
    with pytest.raises(DataError) as caught:
        reader.read_all()
    assert caught.value.code == "data.name-without-column"
    assert SECRET not in str(caught.value)


def test_a_column_of_the_name_may_not_stand_in_the_rows_too(tmp_path: Path) -> None:
    (tmp_path / "people_2008.csv").write_text("id,name,year\n1,a,2008\n")
    reader = read_table(delimited([column("year", "integer"), *TWO], **YEARLY), landing=tmp_path)
    with pytest.raises(DataError) as caught:
        reader.read_all()
    assert caught.value.code == "data.extra-column"


@pytest.mark.parametrize(("name", "pattern"), [("age", "_([0-9]{4})"), ("id", "_[0-9]{4}"), ("id", "_([0-9]{4}")])
def test_a_name_without_a_column_or_a_pattern_without_one_group_is_refused(name: str, pattern: str) -> None:
    with pytest.raises(ValueError, match="columns_from_path"):
        delimited(TWO, paths=["t_*.csv"], columns_from_path={name: pattern})


@pytest.mark.parametrize("named", [{"path": "t.csv", "paths": ["t_*.csv"]}, {}])
def test_one_file_and_several_are_not_named_together_nor_none(named: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="either `path`"):
        table({"format": "delimited", "encoding": "utf-8", **named}, TWO)
