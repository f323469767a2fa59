"""FHIR: the path language exactly, bundles and NDJSON, and JSON that is not one."""

import gzip
import json
import re
import tarfile
from pathlib import Path

import pytest

from pipelines.sources.fhir import parse_json
from pipelines.sources.fhir_path import Unresolvable, bare_id, compile_path, resolve
from pipelines.sources.quarantine import Reason
from pipelines.sources.read import read_table
from policies.errors import DataError, PolicyError
from tests.support.source_tables import fhir

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "multipleBirthInteger": 2,
    "identifier": [
        {"system": "urn:a", "value": "no type"},
        {"type": {"coding": [{"code": "MR"}]}, "value": "M-1"},
        {"type": {"coding": [{"code": "SS"}, {"code": "MR"}]}, "value": "S-1"},
    ],
    "extension": [
        {"url": "http://x.org/race", "extension": [{"url": "text", "valueString": "Asian"}]},
        {"url": "http://x.org/flag", "valueBoolean": False},
    ],
    "managingOrganization": {"reference": "urn:uuid:0-1"},
    "generalPractitioner": [{"reference": "Practitioner/7/_history/2"}],
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("id", "p1"),
        ("active", "true"),
        ("multipleBirthInteger", "2"),
        ("identifier[0].value", "no type"),
        ("identifier[9].value", None),
        ("identifier[type.coding[0].code=MR].value", "M-1"),
        ("identifier[type.coding[0].code=SS].value", "S-1"),
        ("identifier[type.coding[0].code=XX].value", None),
        ("extension[url=http://x.org/race].extension[url=text].valueString", "Asian"),
        ("extension[url=http://x.org/flag].valueBoolean", "false"),
        ("managingOrganization.reference()", "0-1"),
        ("managingOrganization.reference.reference()", "0-1"),
        ("managingOrganization.reference", "urn:uuid:0-1"),
        ("generalPractitioner[0].reference()", "7"),
        ("contact[0].name.family", None),
        ("id.deeper", None),
        ("active[0]", None),
    ],
)
def test_a_path_finds_its_scalar_or_null(path: str, text: str | None) -> None:
    resource = parse_json(json.dumps(PATIENT).encode())
    assert resolve(compile_path(path), resource) == text


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("identifier.value", Reason.PATH_NEEDS_INDEX),
        ("identifier[0]", Reason.NOT_A_SCALAR),
        ("identifier", Reason.NOT_A_SCALAR),
    ],
)
def test_a_path_that_does_not_fit_the_shape_is_no_silent_null(path: str, reason: Reason) -> None:
    with pytest.raises(Unresolvable) as caught:
        resolve(compile_path(path), PATIENT)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "a..b",
        "a.",
        "a[",
        "a[x",
        "a[x=",
        "a[x=]",
        "a[-1]",
        "a[*]",
        "reference()",
        "a.reference().b",
        "a b",
        "[0]",
    ],
)
def test_a_path_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(PolicyError) as caught:
        compile_path(path)
    assert caught.value.code == "policy.bad-fhir-path"


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("Patient/7", "7"),
        ("https://host/fhir/Patient/7/_history/3", "7"),
        ("urn:uuid:a-b", "a-b"),
        ("urn:oid:1.2", "1.2"),
        ("#p", "p"),
        ("Patient?identifier=a|b", None),
        ("", None),
        ({"display": "only a name"}, None),
        (7, None),
    ],
)
def test_a_reference_is_stripped_to_its_bare_id(reference: object, text: str | None) -> None:
    assert bare_id(reference) == text


def _bundle(*resources: object) -> bytes:
    return json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": item} for item in resources]}
    ).encode()


def test_bundles_give_rows_and_their_file_names_are_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "Aoki_Hana.json").write_bytes(
        _bundle({"resourceType": "Patient", "id": "1", "birthDate": "1950-03-02"}, {"resourceType": "Claim"})
    )
    (folder / "Mori_Ken.json.gz").write_bytes(
        gzip.compress(_bundle({"resourceType": "Patient", "id": "2", "birthDate": "1950"}))
    )
    (folder / "Sato_Yui.json").write_bytes(b'{"resourceType": "Bundle", "entry": [')
    (folder / "Uno_Rei.json").write_bytes(b'{"resourceType": "Patient"}')
    (folder / "Wada_Mei.json").write_bytes(_bundle("text", {"resourceType": "Patient", "id": {"a": 1}}))
    (folder / "note.txt").write_bytes(b"no bundle")
    policy = fhir(
        {"id": "id", "born": "birthDate"},
        resource="Patient",
        paths=["b/*.json", "b/*.gz"],
        layout="bundle",
        types={"born": "date"},
    )
    reader = read_table(policy, landing=tmp_path)
    assert reader.read_all().column("id").to_pylist() == ["1"]
    assert {(row.file, row.line, row.reason, row.column) for row in reader.quarantine} == {
        ("b/#5", 1, Reason.NOT_A_DATE, "born"),
        ("b/#2", 0, Reason.BAD_JSON, None),
        ("b/#3", 0, Reason.BAD_RESOURCE, None),
        ("b/#4", 1, Reason.BAD_RESOURCE, None),
        ("b/#4", 2, Reason.NOT_A_SCALAR, "id"),
    }
    shown = repr(reader.quarantine.rows) + repr(reader.source_digests)
    assert not re.search("Aoki|Mori|Sato|Uno|Wada", shown)
    assert len(reader.source_digests) == 5


def test_ndjson_quarantines_lines(tmp_path: Path) -> None:
    lines = [
        b'{"resourceType":"Patient","id":"1","n":1.10}',
        b'{"resourceType":"Patient",',
        b"",
        b"[]",
        b'{"resourceType":"Patient","id":"\xff"}',
        b'{"resourceType":"Patient","id":"\\ud800"}',
        b'{"resourceType":"Patient","n":NaN}',
        b'{"resourceType":"Observation","id":"o"}',
        b'{"resourceType":"Patient","id":"2","n":"x"}',
        b'{"resourceType":"Patient","id":"a\\u0000b"}',
    ]
    (tmp_path / "p.ndjson").write_bytes(b"\n".join(lines))
    policy = fhir(
        {"id": "id", "n": "n"}, resource="Patient", paths=["p.ndjson"], layout="ndjson", types={"n": "decimal"}
    )
    reader = read_table(policy, landing=tmp_path)
    assert reader.read_all().to_pylist() == [{"id": "1", "n": 1.1}]
    assert {(row.line, row.reason) for row in reader.quarantine} == {
        (2, Reason.BAD_JSON),
        (4, Reason.BAD_RESOURCE),
        (5, Reason.UNDECODABLE),
        (6, Reason.UNDECODABLE),
        (7, Reason.BAD_JSON),
        (9, Reason.NOT_A_NUMBER),
        (10, Reason.NUL_BYTE),
    }


def test_numbers_keep_the_digits_they_were_written_with() -> None:
    resource = parse_json(b'{"a": 1.10, "b": 123456789012345678901234567890}')
    assert [resolve(compile_path(key), resource) for key in "ab"] == ["1.10", "123456789012345678901234567890"]


def test_every_column_needs_a_path_and_every_path_a_column(tmp_path: Path) -> None:
    (tmp_path / "p.ndjson").write_bytes(b"{}")
    policy = fhir({"id": "id", "n": "n"}, resource="Patient", paths=["p.ndjson"], layout="ndjson")
    short = policy.model_copy(update={"columns": policy.columns[:1]})
    with pytest.raises(PolicyError) as caught:
        read_table(short, landing=tmp_path)
    assert caught.value.code == "policy.unmapped-column"


def test_no_resource_of_the_type_is_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "p.ndjson").write_bytes(b'{"resourceType":"Claim"}\n')
    with pytest.raises(DataError) as caught:
        read_table(
            fhir({"id": "id"}, resource="Patient", paths=["p.ndjson"], layout="ndjson"), landing=tmp_path
        ).read_all()
    assert caught.value.code == "data.empty-table"


@pytest.mark.shared
def test_the_json_test_suite_is_judged_as_its_names_say(shared_data: Path) -> None:
    judged = 0
    with tarfile.open(shared_data / "bad-input" / "jsontestsuite-test_parsing.tar.gz") as archive:
        for member in archive.getmembers():
            name = Path(member.name).name
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None or not name.endswith(".json"):
                continue
            is_refused = isinstance(parse_json(stream.read()), Reason)
            if name[0] in "yn":
                assert is_refused == name.startswith("n_"), name
                judged += 1
    assert judged == 283
