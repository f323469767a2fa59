"""The demo hospital: right check digits, references that resolve, plausible shapes, counts equal to its truth."""

import collections
import gzip
import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.identifier_verdicts import my_number_rows
from anonymization.identifiers import find_my_numbers
from anonymization.japan.check_digits import INSURER_NUMBER, PATIENT_NUMBER
from anonymization.japan.eras import parse_wareki
from anonymization.japan.prefectures import prefecture_of
from pipelines.demo import dirt
from pipelines.demo.diseases import DEPARTMENTS
from pipelines.demo.generate import (
    ADMISSIONS,
    CONSENTS,
    DIAGNOSES,
    GENOTYPES,
    LABS,
    OPTOUTS,
    PATIENTS,
    SAMPLES,
    generate_hospital,
)
from pipelines.demo.registers import PHENOTYPES
from pipelines.demo.stays import OUTCOMES
from pipelines.demo.truth import Truth
from policies.errors import DataError, UsageError
from tests.support.demo_landing import ENCODINGS, Landing, read_landing

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> tuple[Truth, Landing, Path]:
    folder = tmp_path_factory.mktemp("landing")
    truth = generate_hospital(folder, people=6000, samples=300, sites=400)
    return truth, read_landing(folder), folder


def _day(text: str) -> date:
    return parse_wareki(text) or date.fromisoformat(text)


def test_check_digits_are_right_and_numbers_distinct(hospital):
    _, landing, _ = hospital
    patients = landing.clean[PATIENTS]
    numbers = [row["patient_no"] for row in patients]
    assert all(map(PATIENT_NUMBER.verify, numbers))
    assert len(set(numbers)) == len(numbers)
    assert all(INSURER_NUMBER.verify(row["insurer_no"]) for row in patients)
    assert {len(row["insurer_no"]) for row in patients} == {6, 8}
    assert all(prefecture_of(row["address"]) for row in patients)


def test_every_reference_resolves(hospital):
    _, landing, _ = hospital
    people = {row["patient_no"] for row in landing.clean[PATIENTS]}
    stays = {row["admission_id"]: row["patient_no"] for row in landing.clean[ADMISSIONS]}
    assert len(stays) == len(landing.clean[ADMISSIONS])
    assert set(stays.values()) <= people
    for file in (DIAGNOSES, LABS):
        assert all(stays[row["admission_id"]] == row["patient_no"] for row in landing.clean[file])
    for file in (OPTOUTS, SAMPLES, CONSENTS):
        assert {row["patient_no"] for row in landing.clean[file]} <= people
    assert {row["patient_no"] for row in landing.clean[SAMPLES]} == {
        row["patient_no"] for row in landing.clean[CONSENTS]
    }


def test_counts_equal_the_truth(hospital):
    truth, landing, folder = hospital
    for file, rows in landing.clean.items():
        assert truth.rows[file] == len(rows)
    for file, found in landing.dirty.items():
        assert dict(truth.dirty.get(file, {})) == dict(found)
    assert truth.people == len(landing.clean[PATIENTS]) == 6000
    assert json.loads((folder / "truth.json").read_text(encoding="utf-8")) == json.loads(truth.as_json())


def test_dirty_rows_are_about_one_in_five_hundred_and_every_reason_occurs(hospital):
    truth, _, _ = hospital
    for table, file in (("patients", PATIENTS), ("admissions", ADMISSIONS), ("labs", LABS)):
        assert set(truth.dirty[file]) == {defect.reason for defect in dirt.DEFECTS[table]}
        assert 0.001 < sum(truth.dirty[file].values()) / truth.rows[file] < 0.004


def test_register_counts_equal_the_truth(hospital):
    truth, landing, _ = hospital
    latest = {}
    for row in sorted(landing.clean[OPTOUTS], key=lambda row: _day(row["decided_on"])):
        latest[row["patient_no"]] = row["decision"]
    tally = collections.Counter(latest.values())
    assert (tally["停止"], tally["撤回"]) == (truth.opted_out, truth.optouts_taken_back)
    assert 0.010 < len(latest) / truth.people < 0.020
    decided = collections.defaultdict(list)
    for row in landing.clean[CONSENTS]:
        decided[row["patient_no"]].append((_day(row["decided_on"]), row["decision"]))
    assert all(len({day for day, _ in rows}) == len(rows) for rows in decided.values())
    now = collections.Counter(max(rows)[1] for rows in decided.values())
    assert now == {"同意": truth.consented, "不同意": truth.declined, "同意撤回": truth.withdrawn}
    assert truth.refusals == truth.declined + truth.withdrawn == 18  # 6 % of 300


def test_shapes_are_those_of_a_japanese_hospital(hospital):
    truth, landing, _ = hospital
    births = [_day(row["birth_date"]) for row in landing.clean[PATIENTS]]
    ages = sorted(2022 - birth.year for birth in births)
    assert 62 < ages[len(ages) // 2] < 74
    assert truth.over_100_years > 0
    assert truth.newborns > 50
    spellings = collections.Counter(row["birth_date"][:1].isdigit() for row in landing.clean[PATIENTS])
    assert 0.10 < spellings[False] / truth.people < 0.18
    homes = collections.Counter(prefecture_of(row["address"]) for row in landing.clean[PATIENTS])
    assert homes.most_common(1)[0][0] == "宮城県"
    assert len(homes) > 40
    stays = collections.Counter(collections.Counter(row["patient_no"] for row in landing.clean[ADMISSIONS]).values())
    assert stays[1] > stays[2] > stays[4] > 0
    assert 8 <= max(stays) <= 12
    assert {row["department"] for row in landing.clean[ADMISSIONS]} == set(DEPARTMENTS)
    assert {row["outcome"] for row in landing.clean[ADMISSIONS]} == set(OUTCOMES)
    assert {row["phenotype"] for row in landing.clean[SAMPLES]} == set(PHENOTYPES)


def test_stays_of_a_person_follow_each_other(hospital):
    _, landing, _ = hospital
    births = {row["patient_no"]: _day(row["birth_date"]) for row in landing.clean[PATIENTS]}
    by_person = collections.defaultdict(list)
    for row in landing.clean[ADMISSIONS]:
        by_person[row["patient_no"]].append((row["admit_date"], row["discharge_date"], row["outcome"]))
    for person, stays in by_person.items():
        assert births[person] <= date.fromisoformat(stays[0][0])
        assert all(admit <= discharge for admit, discharge, _ in stays)
        assert all(one[0] <= other[0] and one[1] <= max(other[0], one[0]) for one, other in itertools.pairwise(stays))
        assert all(outcome != "死亡" for *_, outcome in stays[:-1])
        assert stays[0][0] >= "2019-01-01"
        assert stays[-1][1] <= "2025-12-31"


def test_diagnoses_have_one_main_a_head_and_a_rare_tail(hospital):
    truth, landing, _ = hospital
    people = collections.defaultdict(set)
    mains = collections.Counter()
    for row in landing.clean[DIAGNOSES]:
        people[row["icd10"]].add(row["patient_no"])
        mains[row["admission_id"]] += row["is_primary"] == "1"
        assert (row["seq"] == "1") == (row["is_primary"] == "1")
    assert set(mains.values()) == {1}
    assert len(mains) == truth.rows[ADMISSIONS]
    sizes = sorted(map(len, people.values()), reverse=True)
    assert len(sizes) == truth.icd10_codes > 250
    assert sum(size <= 3 for size in sizes) == truth.rare_codes > 50
    assert sizes[0] > 0.3 * truth.people


def test_labs_follow_the_diagnosis(hospital):
    _, landing, _ = hospital
    diabetic = {row["admission_id"] for row in landing.clean[DIAGNOSES] if row["icd10"].startswith("E11")}
    values = {True: [], False: []}
    for row in landing.clean[LABS]:
        assert len(row["jlac10"]) == 17
        if row["lab_ja"] == "HbA1c(NGSP)":
            values[row["admission_id"] in diabetic].append(float(row["value"]))
    means = {key: sum(found) / len(found) for key, found in values.items()}
    assert means[True] > means[False] + 1.0
    assert 5.2 < means[False] < 6.2


def test_notes_hold_the_planted_identifiers(hospital):
    truth, landing, _ = hospital
    notes = [row["note"] for row in landing.clean[ADMISSIONS] if row["note"]]
    assert 0.5 < len(notes) / truth.rows[ADMISSIONS] < 0.8
    planted = truth.planted[ADMISSIONS]
    assert sum("@example.jp" in note or "＠ｅｘａｍｐｌｅ．ｊｐ" in note for note in notes) == planted["email"]
    assert all(planted[kind] > 100 for kind in ("name", "phone", "patient_number", "date"))


def test_no_my_number_unless_asked_for(hospital, tmp_path):
    _, landing, _ = hospital
    for rows in landing.arrow.values():
        assert sum(my_number_rows(rows).to_pylist()) == 0
    truth = generate_hospital(tmp_path, people=200, samples=5, sites=5, plant_my_number=True)
    notes = read_landing(tmp_path).arrow[ADMISSIONS]["note"]
    assert sum(find_my_numbers(notes).to_pylist()) == 1 == truth.planted[ADMISSIONS]["my_number"]
    assert truth.has_my_number


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes_and_another_seed_other_bytes(tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        generate_hospital(tmp_path / name, people=300, samples=40, sites=50, seed=seed)
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    first, other = _digests(tmp_path / "a"), _digests(tmp_path / "c")
    assert all(first[file] != other[file] for file in first)
    assert set(first) == {PATIENTS, ADMISSIONS, DIAGNOSES, LABS, OPTOUTS, SAMPLES, CONSENTS, GENOTYPES, "truth.json"}


def test_more_samples_leave_the_patients_as_they_are(tmp_path):
    for name, samples in (("a", 10), ("b", 60)):
        generate_hospital(tmp_path / name, people=300, samples=samples, sites=10)
    first, other = _digests(tmp_path / "a"), _digests(tmp_path / "b")
    assert all(first[file] == other[file] for file in (PATIENTS, ADMISSIONS, DIAGNOSES, LABS, OPTOUTS))


def test_the_canary_is_in_every_identifying_column_and_the_rest_still_resolves(tmp_path):
    canary = "KANARI7"
    generate_hospital(tmp_path, people=400, samples=30, sites=10, canary=canary)
    landing = read_landing(tmp_path)
    marked = {
        file: {column for row in rows for column, cell in row.items() if canary in cell}
        for file, rows in landing.clean.items()
    }
    texts = {"name_kanji", "name_kana", "address", "phone", "insured_symbol", "insured_number", "insured_branch"}
    assert marked[PATIENTS] == texts | {"patient_no"}
    assert {"note", "admission_id", "patient_no"} <= marked[ADMISSIONS]
    assert marked[SAMPLES] == {"sample_id", "patient_no"}
    assert marked[CONSENTS] == {"patient_no"}
    whole = [row for row in landing.clean[PATIENTS] if canary in row["name_kanji"]]
    assert len(whole) == 1
    assert PATIENT_NUMBER.verify(whole[0]["patient_no"])
    sheet = {row["sample_id"] for row in landing.clean[SAMPLES]}
    header = next(
        line
        for line in gzip.decompress((tmp_path / GENOTYPES).read_bytes()).decode().splitlines()
        if line.startswith("#CHROM")
    )
    assert set(header.split("\t")[9:]) == sheet
    refused = {row["patient_no"] for row in landing.clean[OPTOUTS]}
    carriers = {row["patient_no"] for row in landing.clean[PATIENTS] if any(canary in cell for cell in row.values())}
    assert len(carriers) == 2
    assert not carriers & refused
    decisions = {row["patient_no"]: row["decision"] for row in landing.clean[CONSENTS]}
    assert {decisions[person] for person in carriers} == {"同意"}


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 2**31))
def test_any_small_hospital_is_whole(people, samples, seed):
    with tempfile.TemporaryDirectory() as folder:
        if samples > people:
            with pytest.raises(UsageError):
                generate_hospital(Path(folder), people=people, samples=samples, sites=3, seed=seed)
            return
        truth = generate_hospital(Path(folder), people=people, samples=samples, sites=3, seed=seed)
        landing = read_landing(Path(folder))
        assert {file: len(rows) for file, rows in landing.clean.items()} == {
            file: truth.rows.get(file, 0) for file in ENCODINGS
        }


@pytest.mark.parametrize(
    "wrong",
    [
        {"people": 0},
        {"people": 10_000_000},
        {"samples": 11},
        {"sites": 0},
        {"seed": -1},
        {"canary": "a b,c"},
        {"canary": "한국어말"},
    ],
    ids=["no people", "too many", "samples", "sites", "seed", "blank in canary", "canary not in Shift_JIS"],
)
def test_what_cannot_be_made_is_refused(tmp_path, wrong):
    with pytest.raises(UsageError) as refused:
        generate_hospital(tmp_path, **({"people": 10, "samples": 5, "sites": 5} | wrong))
    assert refused.value.code == "demo.out-of-range"
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_leaves_nothing_half_written(tmp_path):
    def stop(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_hospital(tmp_path, people=50, samples=5, sites=5, progress=stop)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_is_a_file_is_a_data_error(tmp_path):
    blocked = tmp_path / "landing"
    blocked.write_text("in the way")
    with pytest.raises(DataError, match=r"demo\.cannot-write"):
        generate_hospital(blocked, people=10, samples=1, sites=1)


def test_progress_is_told_to_the_end(tmp_path):
    told = []
    generate_hospital(tmp_path, people=30, samples=5, sites=7, progress=lambda *step: told.append(step))
    assert told[0] == ("patients", 30, 30)
    assert told[-1] == ("genotypes", 7, 7)


_MEASURE = r"""
import re, sys
from pathlib import Path
from pipelines.demo.generate import generate_hospital
generate_hospital(Path(sys.argv[1]), people=int(sys.argv[2]), samples=100, sites=200)
# Not ru_maxrss: a child inherits its parent's peak there.
print(re.search(r"VmHWM:\s+([0-9]+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_people(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("this machine has no /proc to read the peak memory from")
    peaks = []
    for people in (10_000, 40_000):
        command = [sys.executable, "-c", _MEASURE, str(tmp_path / str(people)), str(people)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] < peaks[0] + 60
    assert peaks[1] < 400


_FULL_DISK = """
import resource, sys
from pathlib import Path
from pipelines.demo.generate import generate_hospital
from policies.errors import DataError
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    generate_hospital(Path(sys.argv[1]), people=3000, samples=10, sites=5)
except DataError as error:
    sys.stdout.write(error.code)
"""


def test_a_full_disk_is_a_coded_error_and_leaves_nothing_half_written(tmp_path):
    command = [sys.executable, "-W", "error", "-c", _FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "demo.cannot-write"
    assert done.stderr == ""
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
