"""The product's own reader on the demo hospital: what it puts aside is what the truth says was spoiled."""

import collections

import pytest

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
from pipelines.demo.stays import OUTCOMES
from pipelines.sources.read import read_table
from policies.model.dataset import TablePolicy

_PERSON = {"name": "patient_no", "role": "person_key", "class": "linkage_code", "required": True}
_STAY = {"name": "admission_id", "role": "foreign_key", "class": "linkage_code", "required": True}
_ERAS = {"type": "date", "date_calendars": ["iso", "wareki"], "required": True}
_DAY = {"type": "date", "required": True}


def _texts(*names: str) -> list[dict]:
    return [{"name": name} for name in names]


_TABLES: dict[str, tuple[str, str, list[dict]]] = {
    PATIENTS: (
        "person",
        "cp932",
        [
            _PERSON,
            *_texts("name_kanji", "name_kana", "postal_code", "address", "phone", "insurer_no"),
            {"name": "sex", "allowed": ["1", "2"], "required": True},
            {"name": "birth_date", **_ERAS},
            *_texts("insured_symbol", "insured_number", "insured_branch"),
        ],
    ),
    ADMISSIONS: (
        "event",
        "utf-8-bom",
        [
            _STAY,
            _PERSON,
            {"name": "admit_date", **_DAY},
            {"name": "discharge_date", **_DAY},
            {"name": "department", "allowed": list(DEPARTMENTS)},
            {"name": "emergency", "type": "boolean"},
            {"name": "outcome", "allowed": list(OUTCOMES)},
            {"name": "height_cm", "type": "decimal"},
            {"name": "weight_kg", "type": "decimal"},
            {"name": "note"},
        ],
    ),
    DIAGNOSES: (
        "event",
        "utf-8",
        [
            _STAY,
            _PERSON,
            {"name": "seq", "type": "integer"},
            *_texts("icd10", "diagnosis_ja"),
            {"name": "is_primary", "type": "boolean"},
        ],
    ),
    LABS: (
        "event",
        "utf-8",
        [
            _STAY,
            _PERSON,
            {"name": "lab_date", **_DAY},
            *_texts("jlac10", "lab_ja", "unit"),
            {"name": "value", "type": "decimal", "required": True},
        ],
    ),
    OPTOUTS: ("register", "euc-jp", [_PERSON, {"name": "decision"}, {"name": "decided_on", **_ERAS}]),
    SAMPLES: (
        "person",
        "utf-8",
        [_PERSON, *_texts("sample_id", "sex", "age_band", "phenotype"), {"name": "collected_on", **_DAY}],
    ),
    CONSENTS: (
        "register",
        "utf-8",
        [_PERSON, *_texts("decision", "text_version", "commercial", "foreign"), {"name": "decided_on", **_DAY}],
    ),
}


def _policy(kind: str, source: dict, columns: list[dict]) -> TablePolicy:
    filled = [{"ja": column["name"], "class": "ordinary", "role": "attribute", **column} for column in columns]
    return TablePolicy.model_validate(
        {"name": "under-test", "kind": kind, "title": {"ja": "表", "en": "table"}, "source": source, "columns": filled}
    )


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    folder = tmp_path_factory.mktemp("landing")
    return generate_hospital(folder, people=3000, samples=120, sites=90), folder


@pytest.mark.parametrize("file", _TABLES)
def test_the_reader_puts_aside_what_was_spoiled_and_nothing_else(hospital, file):
    truth, folder = hospital
    kind, encoding, columns = _TABLES[file]
    reader = read_table(
        _policy(kind, {"format": "delimited", "path": file, "encoding": encoding}, columns), landing=folder
    )
    assert reader.read_all().num_rows == truth.rows[file]
    found = collections.Counter(str(row.reason.value) for row in reader.quarantine)
    assert found == truth.dirty.get(file, {})


def test_the_genotype_reader_agrees_on_samples_and_sites(hospital):
    truth, folder = hospital
    columns = [{"name": name} for name in ("chrom", "id", "ref")]
    columns += [{"name": "pos", "type": "integer"}, {"name": "alt", "type": "strings"}]
    columns += [{"name": "gt", "type": "alleles", "role": "genotype"}]
    source = {"format": "vcf", "paths": [GENOTYPES], "assembly": "GRCh38"}
    reader = read_table(_policy("genotype", source, columns), landing=folder)
    sites = reader.read_all()
    assert (len(reader.samples), sites.num_rows) == (truth.samples, truth.sites)
    assert sum(map(len, sites["alt"].to_pylist())) == truth.alleles_alt
