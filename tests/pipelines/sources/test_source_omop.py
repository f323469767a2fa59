"""OMOP exports: folder or zip, names in any case, shadow files of macOS passed over."""

import gzip
import zipfile
from pathlib import Path

import pytest

from pipelines.sources.read import read_table
from policies.errors import DataError
from tests.support.source_tables import column, omop

COLUMNS = [column("person_id", "integer", required=True), column("birth_datetime", "timestamp")]
CSV = b"PERSON_ID,Birth_Datetime,provider_id\n1,1998-04-09 00:00:00,7\n2,,\n"


def _policy(path: str):
    return omop("Person", COLUMNS, path=path, kind="person", ignored=["PROVIDER_ID"])


def test_a_folder_and_a_zip_give_the_same_rows(tmp_path: Path) -> None:
    for folder, name, data in (("plain", "person.csv", CSV), ("packed", "PERSON.csv.gz", gzip.compress(CSV))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(data)
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("cdm/PERSON.csv", CSV)
        archive.writestr("__MACOSX/cdm/._PERSON.csv", b"\0\1")
        archive.writestr("__MACOSX/cdm/PERSON.csv", b"\0\1")
    tables = [read_table(_policy(path), landing=tmp_path).read_all() for path in ("plain", "packed", "export.zip")]
    assert tables[0].num_rows == 2
    assert tables[0].column_names == ["person_id", "birth_datetime"]
    assert tables[0] == tables[1] == tables[2]


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"note.csv": CSV}, "data.table-missing"),
        ({"person.csv": CSV, "PERSON.csv": CSV}, "data.table-twice"),
        ({"person.csv": b"person_id,birth_datetime,extra\n1,,\n"}, "data.extra-column"),
        ({"person.csv": b"person_id\n1\n"}, "data.missing-column"),
        ({"person.csv": b"person_id,PERSON_ID,birth_datetime\n1,1,\n"}, "data.duplicate-column"),
    ],
)
def test_an_export_that_does_not_fit_is_refused(tmp_path: Path, files: dict[str, bytes], code: str) -> None:
    (tmp_path / "e").mkdir()
    for name, data in files.items():
        (tmp_path / "e" / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_table(_policy("e"), landing=tmp_path).read_all()
    assert caught.value.code == code


def test_the_export_must_be_below_the_landing_folder(tmp_path: Path) -> None:
    for path, code in (("../e", "data.outside-landing"), ("none", "data.source-missing")):
        with pytest.raises(DataError) as caught:
            read_table(_policy(path), landing=tmp_path)
        assert caught.value.code == code
