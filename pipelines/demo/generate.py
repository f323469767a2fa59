"""Make the whole demo hospital: block after block of people to disk, then the cohort's genotypes, then the truth.

Memory does not grow with the number of people: a block is drawn, written and forgotten. Each block and each kind of draw
has a random stream of its own, so the same arguments give the same bytes, and more samples do not change the patients.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.demo import people as patients
from pipelines.demo.bgzf import BgzfWriter
from pipelines.demo.dirt import Dirt, Row, make_dirt
from pipelines.demo.diseases import DEPARTMENTS, diseases
from pipelines.demo.genome import header, make_regions, region_lines
from pipelines.demo.lab_values import Labs, make_labs
from pipelines.demo.landing_files import LandingFile, cannot_write
from pipelines.demo.notes import make_notes
from pipelines.demo.people import People, make_people
from pipelines.demo.registers import (
    CohortPlan,
    choose_members,
    make_consents,
    make_optouts,
    make_samples,
    plan_cohort,
)
from pipelines.demo.stays import OUTCOMES, Stays, make_stays
from pipelines.demo.text_columns import Ints, choose, concat, decimals, digits, iso_dates, pick, plain
from pipelines.demo.truth import Truth, plain_counts
from policies.errors import UsageError

DEFAULT_SEED = 20261123
BLOCK_PEOPLE = 5_000

PATIENTS = "admissions/patients.csv"
ADMISSIONS = "admissions/admissions.csv"
DIAGNOSES = "admissions/diagnoses.csv"
LABS = "admissions/labs.csv.gz"
OPTOUTS = "admissions/optouts.csv"
SAMPLES = "cohort/samples.csv"
CONSENTS = "cohort/consents.csv"
GENOTYPES = "cohort/cohort.vcf.gz"
TRUTH = "truth.json"

Progress = Callable[[str, int, int], None]
"""Called with a stage name, what is done and what there is to do."""

_HEADERS: dict[str, tuple[str, ...]] = {
    PATIENTS: patients.COLUMNS,
    ADMISSIONS: (
        "admission_id",
        "patient_no",
        "admit_date",
        "discharge_date",
        "department",
        "emergency",
        "outcome",
        "height_cm",
        "weight_kg",
        "note",
    ),
    DIAGNOSES: ("admission_id", "patient_no", "seq", "icd10", "diagnosis_ja", "is_primary"),
    LABS: ("admission_id", "patient_no", "lab_date", "jlac10", "lab_ja", "value", "unit"),
    OPTOUTS: ("patient_no", "decision", "decided_on"),
    SAMPLES: ("sample_id", "patient_no", "collected_on", "sex", "age_band", "phenotype"),
    CONSENTS: ("patient_no", "decision", "text_version", "commercial", "foreign", "decided_on"),
}

# The example number of the reference vectors: nobody's, and its check digit is right.
_MY_NUMBER_NOTE = " 個人番号 1234-5678-9018 を確認済み。"
_CANARY = re.compile(r"[^\s,\"'\x00-\x1f]{4,60}")
_DEATH = OUTCOMES.index("死亡")


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for."""

    people: int
    samples: int
    sites: int
    seed: int
    plant_my_number: bool
    canary: str | None
    progress: Progress | None

    def stream(self, *path: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *path])

    def report(self, stage: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(stage, done, total)


@dataclass(slots=True)
class _Tally:
    """Counts that grow block by block."""

    rows: Counter[str] = field(default_factory=Counter)
    dirty: dict[str, Counter[str]] = field(default_factory=dict)
    planted: dict[str, Counter[str]] = field(default_factory=dict)
    people_with_code: Ints = field(default_factory=lambda: np.zeros(len(diseases()), dtype=np.int64))
    figures: Counter[str] = field(default_factory=Counter)
    sample_ids: list[tuple[int, str]] = field(default_factory=list)

    def add_dirt(self, file: str, dirt: Dirt) -> None:
        self.dirty.setdefault(file, Counter()).update(dirt.counts)


def generate_hospital(  # noqa: PLR0913 - the one entry; every argument is one knob of the demo
    landing: Path,
    *,
    people: int = 5000,
    samples: int = 1000,
    sites: int = 5000,
    seed: int = DEFAULT_SEED,
    plant_my_number: bool = False,
    canary: str | None = None,
    progress: Progress | None = None,
) -> Truth:
    """Write the demo hospital's landing files and return what is in them, in counts.

    Args:
        landing: The landing folder; files of the same names in it are replaced.
        people: Patients, 1 to 9,800,000. Dirty rows come on top.
        samples: Patients who gave a sample to the genome cohort, at most `people`; 0 leaves the cohort's genotypes out.
        sites: Variant sites of the cohort.
        seed: Same seed and arguments, same bytes (for one version of numpy).
        plant_my_number: Whether one note holds a (published example) My Number.
        canary: A mark that is appended to every identifying value of one patient (but not to numbers with a check digit),
            and to the patient number of a second one, wherever it stands.
        progress: Called after each block.

    Returns:
        Counts of what was written; also in `truth.json`, which is written last and so marks a whole set.

    Raises:
        UsageError: A number is out of range, or the canary cannot be written in every file.
        DataError: A file cannot be written; nothing half-written is left.
    """
    order = _Order(people, samples, sites, seed, plant_my_number, canary, progress)
    _check(order)
    try:
        (landing / TRUTH).unlink(missing_ok=True)
        tally, plan = _write_clinical(landing, order)
        alt_alleles, multi_allelic = _write_genotypes(landing, order, tally)
        truth = _truth(order, tally, plan, alt_alleles=alt_alleles, multi_allelic=multi_allelic)
        partial = landing / f".{TRUTH}.partial"
        partial.write_text(truth.as_json(), encoding="utf-8")
        partial.replace(landing / TRUTH)
    except OSError as failure:
        raise cannot_write(landing, failure) from None
    return truth


def _check(order: _Order) -> None:
    problem = ""
    if not 1 <= order.people <= patients.NUMBER_LIMIT:
        problem = f"people is {order.people}, not between 1 and {patients.NUMBER_LIMIT}"
    elif not 0 <= order.samples <= min(order.people, 999_999):
        problem = f"samples is {order.samples}, not between 0 and the number of people"
    elif order.sites < 1:
        problem = f"sites is {order.sites}, not at least 1"
    elif order.seed < 0:
        problem = "seed is negative"
    elif order.canary is not None and not _writable(order.canary):
        problem = "the canary has a blank, comma or quote, is not 4 to 60 characters, or is not in Shift_JIS"
    if problem:
        raise UsageError(
            "demo.out-of-range",
            what=problem,
            why="the demo hospital cannot be made like that",
            fix="give a value in the range",
        )


def _writable(canary: str) -> bool:
    try:
        canary.encode("cp932")
        canary.encode("euc-jp")
    except UnicodeEncodeError:
        return False
    return _CANARY.fullmatch(canary) is not None


def _write_clinical(landing: Path, order: _Order) -> tuple[_Tally, CohortPlan]:
    tally = _Tally()
    plan = plan_cohort(order.stream(0, 0), order.samples)
    with contextlib.ExitStack() as stack:
        files = {
            file: stack.enter_context(
                LandingFile(
                    landing / file,
                    columns,
                    encoding={PATIENTS: "cp932", ADMISSIONS: "utf-8-sig", OPTOUTS: "euc-jp"}.get(file, "utf-8"),
                    newline="\r\n" if file in (PATIENTS, ADMISSIONS) else "\n",
                    quoted=("note",) if file == ADMISSIONS else (),
                )
            )
            for file, columns in _HEADERS.items()
        }
        for number, start in enumerate(range(0, order.people, BLOCK_PEOPLE)):
            count = min(BLOCK_PEOPLE, order.people - start)
            _Block(order, tally, plan, number, start, count).write(files)
            order.report("patients", start + count, order.people)
    return tally, plan


@dataclass(frozen=True, slots=True)
class _Block:
    """One block of people: made, written and forgotten."""

    order: _Order
    tally: _Tally
    plan: CohortPlan
    number: int
    start: int
    count: int

    def write(self, files: dict[str, LandingFile]) -> None:
        """Draw the block and append its rows to every file."""
        group = make_people(self._stream(1), bodies=self._bodies())
        stays = make_stays(self._stream(2), group)
        members, first = self._members(group)
        marked = self._marked(group, members)
        if self.order.canary and marked:
            group = _mark_people(group, marked, self.order.canary)
        self._write_patients(files, group)
        self._write_stays(files, group, stays, marked)
        self._write_registers(files, group, stays, members=members, first=first, marked=marked)
        self._count(group, stays)

    def _stream(self, purpose: int) -> np.random.Generator:
        return self.order.stream(purpose, self.number)

    def _bodies(self) -> Ints:
        # Numbers rise with registration and leave gaps, as patient numbers do.
        stride = min(97, patients.NUMBER_LIMIT // self.order.people)
        offsets = self._stream(3).integers(0, stride, self.count)
        return (self.start + np.arange(self.count, dtype=np.int64)) * stride + offsets

    def _members(self, group: People) -> tuple[Ints, int]:
        """Return the cohort's members in this block and how many came before; each block gives its even share."""
        before = self.order.samples * self.start // self.order.people
        until = self.order.samples * (self.start + self.count) // self.order.people
        return choose_members(self._stream(4), group, until - before), before

    def _marked(self, group: People, members: Ints) -> list[int]:
        """Return the rows of the (at most) two patients who carry the canary: cohort members, if there are any."""
        if self.order.canary is None or self.number:
            return []
        rest = np.setdiff1d(np.arange(len(group)), members)
        return [int(row) for row in np.concatenate([members, rest])[:2]]

    def _write_patients(self, files: dict[str, LandingFile], group: People) -> None:
        rng = self._stream(5)

        def renumber(row: Row, number: int) -> None:
            body = patients.NUMBER_LIMIT + (self.number * 100 + number) % (9_999_999 - patients.NUMBER_LIMIT)
            row["patient_no"] = patients.with_check_digit(np.array([body]), 7)[0].as_py()

        dirt = make_dirt(rng, "patients", group.table, is_first=self.number == 0, change=renumber)
        files[PATIENTS].append(group.table, dirty=dirt.rows, rng=rng)
        self.tally.rows[PATIENTS] += len(group)
        self.tally.planted.setdefault(PATIENTS, Counter()).update(patients.identifiers_in(group.table))
        self.tally.add_dirt(PATIENTS, dirt)

    def _write_stays(self, files: dict[str, LandingFile], group: People, stays: Stays, marked: list[int]) -> None:
        first_stay = self.tally.rows[ADMISSIONS]
        admission_id = concat("A", digits(first_stay + 1 + np.arange(len(stays), dtype=np.int64), 9))
        notes = make_notes(self._stream(6), group, stays)
        text, planted = notes.text, notes.planted
        if self.order.canary and marked:
            row = int(np.searchsorted(stays.person, marked[0]))
            text = _append_at(text, row, self.order.canary)
            admission_id = _append_at(admission_id, row, self.order.canary)
        if self.order.plant_my_number and self.number == 0:
            text = _append_at(text, len(stays) - 1, _MY_NUMBER_NOTE)
            planted["my_number"] += 1
        self.tally.planted.setdefault(ADMISSIONS, Counter()).update(planted)
        patient_no = group.table["patient_no"].combine_chunks().take(pa.array(stays.person))
        rng = self._stream(7)

        def renumber(row: Row, number: int) -> None:
            row["admission_id"] = f"A{900_000_000 + (self.number * 1000 + number) % 99_999_999:09d}"

        table = _admissions(stays, admission_id, patient_no, text)
        dirt = make_dirt(rng, "admissions", table, is_first=self.number == 0, change=renumber)
        files[ADMISSIONS].append(table, dirty=dirt.rows, rng=rng)
        self.tally.add_dirt(ADMISSIONS, dirt)
        files[DIAGNOSES].append(_diagnoses(stays, admission_id, patient_no))
        labs = _labs(make_labs(self._stream(8), group, stays), admission_id, patient_no)
        dirt = make_dirt(rng, "labs", labs, is_first=self.number == 0)
        files[LABS].append(labs, dirty=dirt.rows, rng=rng)
        self.tally.add_dirt(LABS, dirt)
        self.tally.rows.update({ADMISSIONS: len(stays), DIAGNOSES: len(stays.dx), LABS: labs.num_rows})

    def _write_registers(
        self,
        files: dict[str, LandingFile],
        group: People,
        stays: Stays,
        *,
        members: Ints,
        first: int,
        marked: list[int],
    ) -> None:
        spared = np.zeros(len(group), dtype=bool)
        spared[marked] = True
        optouts = make_optouts(self._stream(9), group, spared=spared)
        files[OPTOUTS].append(optouts.table)
        part = slice(first, first + len(members))
        story = self.plan.story[part]
        samples = make_samples(
            self._stream(10), group, stays.chronic, members=members, numbers=self.plan.sample_number[part]
        )
        if self.order.canary and marked and len(members):
            samples = _append_in(samples, ("sample_id",), 0, self.order.canary)
        consents = make_consents(self._stream(11), group, members=members, story=story)
        files[SAMPLES].append(samples)
        files[CONSENTS].append(consents)
        numbers = self.plan.sample_number[part].tolist()
        self.tally.sample_ids.extend(zip(numbers, samples["sample_id"].to_pylist(), strict=True))
        self.tally.rows.update(
            {OPTOUTS: optouts.table.num_rows, SAMPLES: samples.num_rows, CONSENTS: consents.num_rows}
        )
        self.tally.figures.update({"opted_out": optouts.opted_out, "taken_back": optouts.taken_back})

    def _count(self, group: People, stays: Stays) -> None:
        pairs = np.unique(stays.person[stays.dx_stay] * len(diseases()) + stays.dx) % len(diseases())
        self.tally.people_with_code += np.bincount(pairs, minlength=len(diseases()))
        self.tally.figures.update(
            {
                "deaths": int((stays.outcome == _DEATH).sum()),
                "over_100": len(np.unique(stays.person[stays.age_years >= 100])),
                "newborns": int(group.is_newborn.sum()),
            }
        )


def _admissions(stays: Stays, admission_id: pa.Array, patient_no: pa.Array, note: pa.Array) -> pa.Table:
    columns = (
        admission_id,
        patient_no,
        iso_dates(stays.admit),
        iso_dates(stays.discharge),
        pick(DEPARTMENTS, stays.department),
        pick(["0", "1"], stays.is_emergency.astype(np.int64)),
        pick(OUTCOMES, stays.outcome),
        choose(stays.height > 0, decimals(stays.height, 1), ""),
        choose(stays.weight > 0, decimals(stays.weight, 1), ""),
        note,
    )
    return pa.table(dict(zip(_HEADERS[ADMISSIONS], columns, strict=True)))


def _diagnoses(stays: Stays, admission_id: pa.Array, patient_no: pa.Array) -> pa.Table:
    at = pa.array(stays.dx_stay)
    columns = (
        admission_id.take(at),
        patient_no.take(at),
        plain(stays.dx_seq),
        pick([disease.code for disease in diseases()], stays.dx),
        pick([disease.name for disease in diseases()], stays.dx),
        pick(["0", "1"], (stays.dx_seq == 1).astype(np.int64)),
    )
    return pa.table(dict(zip(_HEADERS[DIAGNOSES], columns, strict=True)))


def _labs(labs: Labs, admission_id: pa.Array, patient_no: pa.Array) -> pa.Table:
    at = pa.array(labs.stay)
    columns = (
        admission_id.take(at),
        patient_no.take(at),
        labs.lab_date,
        labs.jlac10,
        labs.lab_ja,
        labs.value,
        labs.unit,
    )
    return pa.table(dict(zip(_HEADERS[LABS], columns, strict=True)))


def _append_at(values: pa.Array, row: int, mark: str) -> pa.Array:
    mask = np.zeros(len(values), dtype=bool)
    mask[row] = True
    return pc.replace_with_mask(values, pa.array(mask), pa.array([(values[row].as_py() or "") + mark]))


def _append_in(table: pa.Table, columns: tuple[str, ...], row: int, mark: str) -> pa.Table:
    for name in columns:
        marked = _append_at(table[name].combine_chunks(), row, mark)
        table = table.set_column(table.schema.get_field_index(name), name, marked)
    return table


def _mark_people(group: People, marked: list[int], canary: str) -> People:
    texts = ("name_kanji", "name_kana", "address", "phone", "insured_symbol", "insured_number", "insured_branch")
    table = _append_in(group.table, texts, marked[0], canary)
    if len(marked) > 1:
        table = _append_in(table, ("patient_no",), marked[1], canary)
    return People(group.sex, group.birth_days, group.is_newborn, group.surname, table)


def _write_genotypes(landing: Path, order: _Order, tally: _Tally) -> tuple[int, int]:
    if order.samples == 0:
        return 0, 0
    path = landing / GENOTYPES
    partial = path.with_name(f".{path.name}.partial")
    sample_ids = [name for _, name in sorted(tally.sample_ids)]
    alt_alleles = multi_allelic = done = 0
    try:
        with partial.open("wb") as sink, BgzfWriter(sink) as writer:
            writer.write(header(sample_ids).encode("utf-8"))
            for region in make_regions(order.stream(12), samples=order.samples, sites=order.sites):
                writer.write(b"".join(region_lines(region, first_number=done + 1)))
                done += len(region.positions)
                alt_alleles += sum(map(len, region.alternates))
                multi_allelic += sum(len(alternates) > 1 for alternates in region.alternates)
                order.report("genotypes", done, order.sites)
        partial.replace(path)
    except OSError as failure:
        partial.unlink(missing_ok=True)
        raise cannot_write(path, failure) from None
    tally.rows[GENOTYPES] = done
    return alt_alleles, multi_allelic


def _truth(order: _Order, tally: _Tally, plan: CohortPlan, *, alt_alleles: int, multi_allelic: int) -> Truth:
    declined, withdrawn = plan.refusals()
    with_code = tally.people_with_code
    return Truth(
        seed=order.seed,
        people=order.people,
        samples=order.samples,
        sites=order.sites if order.samples else 0,
        rows=dict(sorted(tally.rows.items())),
        dirty=plain_counts(tally.dirty),
        planted=plain_counts(tally.planted),
        opted_out=tally.figures["opted_out"],
        optouts_taken_back=tally.figures["taken_back"],
        consented=order.samples - declined - withdrawn,
        declined=declined,
        withdrawn=withdrawn,
        refusals=declined + withdrawn,
        deaths=tally.figures["deaths"],
        over_100_years=tally.figures["over_100"],
        newborns=tally.figures["newborns"],
        icd10_codes=int((with_code > 0).sum()),
        rare_codes=int(((with_code > 0) & (with_code <= 3)).sum()),
        alleles_alt=alt_alleles,
        multi_allelic_sites=multi_allelic,
        has_my_number=order.plant_my_number,
        has_canary=order.canary is not None,
    )
