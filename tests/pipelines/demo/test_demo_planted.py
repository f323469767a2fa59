"""Every identifier that the generator planted is found by the scanner: the same rows, kind by kind, and no others."""

import pyarrow as pa
import pytest

from anonymization.identifier_verdicts import my_number_rows
from anonymization.identifiers import ColumnScan, scan
from pipelines.demo.generate import ADMISSIONS, PATIENTS, generate_hospital
from pipelines.demo.notes import PLANTED_KINDS
from pipelines.demo.planted import HYPHENS
from pipelines.demo.truth import Truth
from policies.model.scan import IdentifierKind
from tests.support.demo_landing import read_landing

K = IdentifierKind
NOT_PLANTED = {K.MY_NUMBER, K.RESIDENT_CODE, K.CORPORATE_NUMBER}
"""The first two would stop every landing; the third is nobody's."""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> tuple[Truth, dict[str, pa.Table]]:
    folder = tmp_path_factory.mktemp("landing")
    truth = generate_hospital(folder, people=12_000, samples=20, sites=5)
    return truth, read_landing(folder).arrow


def rows_held(found: ColumnScan) -> int:
    """Count rows as the scanner's report of a column of names does: those of the form too."""
    return found.rows_alike + found.rows_named + found.rows_inside if found.kind is K.NAME else found.rows_hit


def test_every_kind_but_the_forbidden_ones_is_planted(hospital):
    truth, _ = hospital
    planted = {*truth.planted[ADMISSIONS], *truth.planted[PATIENTS]} - {"date"}
    assert {K(kind) for kind in planted} == set(IdentifierKind) - NOT_PLANTED
    assert all(truth.planted[ADMISSIONS][kind] >= 20 for kind, _ in PLANTED_KINDS)


@pytest.mark.parametrize("kind", sorted(set(IdentifierKind) - NOT_PLANTED))
def test_every_planted_identifier_in_the_notes_is_found_and_nothing_else(hospital, kind):
    truth, tables = hospital
    found = scan(tables[ADMISSIONS], columns=["note"]).of("note", kind)
    assert found.rows_hit == truth.planted[ADMISSIONS][kind.value]
    assert found.rows_doubtful == 0


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("patient_no", K.PATIENT_NUMBER),
        ("name_kanji", K.NAME),
        ("name_kana", K.NAME),
        ("postal_code", K.POSTAL_CODE),
        ("address", K.ADDRESS),
        ("phone", K.PHONE),
        ("insurer_no", K.INSURER_NUMBER),
    ],
)
def test_every_identifier_in_a_column_of_patients_is_found(hospital, column, kind):
    truth, tables = hospital
    found = scan(tables[PATIENTS], columns=[column]).of(column, kind)
    assert rows_held(found) == truth.planted[PATIENTS][kind.value]


def test_every_hyphen_and_both_widths_occur_in_the_notes(hospital):
    _, tables = hospital
    text = "".join(note for note in tables[ADMISSIONS]["note"].to_pylist() if note)
    assert all(hyphen in text for hyphen in HYPHENS)
    assert any(digit in text for digit in "０１２３４５６７８９")


def test_no_planted_number_is_taken_for_a_my_number(hospital):
    _, tables = hospital
    assert not any(my_number_rows(tables[ADMISSIONS]).to_pylist())


def test_a_planted_my_number_is_found_in_its_row(tmp_path):
    truth = generate_hospital(tmp_path, people=300, samples=5, sites=5, plant_my_number=True)
    notes = read_landing(tmp_path).arrow[ADMISSIONS].select(["note"])
    assert sum(my_number_rows(notes).to_pylist()) == truth.planted[ADMISSIONS]["my_number"] == 1
