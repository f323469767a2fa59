"""A tiny hospital by hand: two datasets of one project, policies and tables, for tests of the row-level stages.

Every name, address and number is made up. Ten people; P0010 objected. Six of them gave a genome sample.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from anonymization.classify import classify
from anonymization.consent import keep_consenting
from anonymization.hierarchy import Hierarchy, hierarchy_from_rows
from anonymization.pseudonymize import PseudonymKey, pseudonymize
from anonymization.tables import (
    AnyTable,
    EventTable,
    GenotypeTable,
    PersonTable,
    Pseudonymized,
    Raw,
    ReferenceTable,
    RegisterTable,
)
from policies.model import DatasetPolicy, ReleasePolicy

CANARY = "CANARY七七七"
ON = date(2026, 11, 1)
KEY = PseudonymKey(b"k" * 32)
OTHER_KEY = PseudonymKey(b"o" * 32)

_ARROW = {
    "string": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
    "strings": pa.list_(pa.string()),
}
_CLASS = {"person": PersonTable, "event": EventTable, "register": RegisterTable, "reference": ReferenceTable}


def text(words: str) -> dict[str, str]:
    return {"ja": words, "en": words}


def column(
    name: str, role: str, class_: str | list[str] = "ordinary", type_: str = "string", **more: Any
) -> dict[str, Any]:
    return {"name": name, "ja": name, "role": role, "class": class_, "type": type_, **more}


def table(name: str, kind: str, columns: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    source: dict[str, Any] = {"format": "delimited", "path": f"{name}.csv", "encoding": "utf-8"}
    if kind == "genotype":
        source = {"format": "vcf", "paths": [f"{name}.vcf.gz"], "assembly": "GRCh38"}
    return {"name": name, "kind": kind, "title": text(name), "source": source, "columns": columns, **more}


def dataset(id_: str, tables: list[dict[str, Any]], consent: dict[str, Any], *, project: str = "tiny") -> DatasetPolicy:
    return DatasetPolicy.model_validate(
        {
            "schema": "niji/dataset/v1",
            "id": id_,
            "version": "1.0.0",
            "title": text(id_),
            "description": text(id_),
            "controller": {
                "name": text("test hospital"),
                "type": "private_operator",
                "contact": {"name": text("desk"), "email": "desk@example.jp"},
            },
            "steward": {"team": "team:test", "email": "steward@example.jp"},
            "acquisition_basis": "own_care",
            "consent": consent,
            "project": project,
            "tables": tables,
        }
    )


OPT_OUT = {
    "basis": "opt_out",
    "register": {
        "table": "optouts",
        "decision": "decision",
        "decided_on": "decided_on",
        "refused": ["停止"],
        "consented": ["撤回"],
    },
}
OPT_IN = {
    "basis": "opt_in",
    "register": {
        "table": "consents",
        "decision": "decision",
        "decided_on": "decided_on",
        "consented": ["同意"],
        "refused": ["不同意"],
        "withdrawn": ["同意撤回"],
    },
}

PATIENTS = table(
    "patients",
    "person",
    [
        column("patient_no", "person_key", "linkage_code"),
        column("name", "identifier", "direct_identifier"),
        column("sex", "quasi_identifier", "quasi_identifier"),
        column("birth_date", "quasi_identifier", ["direct_identifier", "quasi_identifier"], "date"),
        column("address", "quasi_identifier", ["direct_identifier", "quasi_identifier"]),
        column("insured_number", "attribute", "identification_code", code="health_insurance"),
    ],
)
ADMISSIONS = table(
    "admissions",
    "event",
    [
        column("admission_id", "record_key", "linkage_code"),
        column("patient_no", "person_key", "linkage_code", references="patients.patient_no"),
        column("admit_date", "event_date", "quasi_identifier", "date"),
        column("discharge_date", "event_date", "quasi_identifier", "date"),
        column("department", "sensitive", "special_care"),
        column("weight_kg", "attribute", "special_care", "decimal"),
        column("note", "free_text", "free_text"),
    ],
)
DIAGNOSES = table(
    "diagnoses",
    "event",
    [
        column("admission_id", "foreign_key", "linkage_code", references="admissions.admission_id"),
        column("patient_no", "person_key", "linkage_code", references="patients.patient_no"),
        column("icd10", "sensitive", ["special_care", "unusual_candidate"]),
    ],
)
OPTOUTS = table(
    "optouts",
    "register",
    [
        column("patient_no", "person_key", "linkage_code"),
        column("decision", "decision"),
        column("decided_on", "event_date", "ordinary", "date"),
    ],
)
SAMPLES = table(
    "samples",
    "person",
    [
        column("patient_no", "person_key", "linkage_code"),
        column("sample_id", "sample_key", "linkage_code"),
        column("collected_on", "event_date", "quasi_identifier", "date"),
        column("phenotype", "sensitive", "special_care"),
    ],
)
GENOTYPES = table(
    "genotypes",
    "genotype",
    [column("genotypes", "genotype", "identification_code", "alleles", code="genome_wgs")],
    samples="samples",
)
CONSENTS = {**OPTOUTS, "name": "consents", "title": text("consents")}


def admissions_policy(*, consent: Mapping[str, Any] = OPT_OUT, project: str = "tiny") -> DatasetPolicy:
    register = [OPTOUTS] if consent["basis"] != "not_required" else []
    return dataset("admissions", [PATIENTS, ADMISSIONS, DIAGNOSES, *register], dict(consent), project=project)


def cohort_policy(*, project: str = "tiny") -> DatasetPolicy:
    return dataset("cohort", [SAMPLES, GENOTYPES, CONSENTS], OPT_IN, project=project)


def person(number: int) -> str:
    return f"P{number:04d}"


PREFECTURES = ("東京都", "東京都", "東京都", "大阪府", "大阪府", "大阪府", "東京都", "大阪府", "東京都", "大阪府")
ICD10 = ("E11.9", "E11.9", "E11.9", "E11.2", "I10", "I10", "I10", "E11.9", "E11.9", "C95.1")


def admissions_rows() -> dict[str, dict[str, list[Any]]]:
    """Ten people, twelve admissions (P0001 and P0002 have two), thirteen diagnoses."""
    people = range(1, 11)
    admitted = [*people, 1, 2]
    return {
        "patients": {
            "patient_no": [person(n) for n in people],
            "name": [f"{CANARY}{n}" for n in people],
            "sex": ["1" if n % 2 else "2" for n in people],
            "birth_date": [date(1950 + n, 3, n) for n in people],
            "address": [f"{PREFECTURES[n - 1]}{CANARY}町1-{n}" for n in people],
            "insured_number": [f"{CANARY}-{n}" for n in people],
        },
        "admissions": {
            "admission_id": [f"A{n:09d}" for n in range(1, 13)],
            "patient_no": [person(n) for n in admitted],
            "admit_date": [date(2024, 1, 10) + timedelta(days=20 * n) for n in range(12)],
            "discharge_date": [date(2024, 1, 13) + timedelta(days=21 * n) for n in range(12)],
            "department": [("内科", "外科", "小児科")[n % 3] for n in admitted],
            "weight_kg": [50.0 + n for n in admitted],
            "note": [f"{CANARY} {person(n)}" for n in admitted],
        },
        "diagnoses": {
            "admission_id": [f"A{n:09d}" for n in range(1, 13)] + ["A000000001"],
            "patient_no": [person(n) for n in admitted] + [person(1)],
            "icd10": [ICD10[n - 1] for n in admitted] + ["I10"],
        },
        "optouts": {
            "patient_no": [person(10), person(9), person(9)],
            "decision": ["停止", "停止", "撤回"],
            "decided_on": [date(2026, 9, 1), date(2026, 9, 1), date(2026, 9, 2)],
        },
    }


def cohort_rows() -> dict[str, dict[str, list[Any]]]:
    """Samples of P0003 … P0008; P0008 withdrew."""
    people = range(3, 9)
    return {
        "samples": {
            "patient_no": [person(n) for n in people],
            "sample_id": [f"NC{n:06d}" for n in people],
            "collected_on": [date(2023, 5, n) for n in people],
            "phenotype": ["case" if n % 2 else "control" for n in people],
        },
        "consents": {
            "patient_no": [*(person(n) for n in people), person(8)],
            "decision": ["同意"] * 6 + ["同意撤回"],
            "decided_on": [date(2023, 4, 1)] * 6 + [date(2024, 4, 1)],
        },
    }


def genotypes(samples: Sequence[str], *, policy: DatasetPolicy | None = None) -> GenotypeTable:
    """Four sites; at the first, sample i has the calls (i, i + 1) mod 2, so each sample can be told."""
    n = len(samples)
    diploid = [np.array([[(i + s) % 2, (i + 1) % 2] for i in range(n)], dtype=np.int8) for s in range(3)]
    haploid = np.array([[i % 2] for i in range(n)], dtype=np.int8)
    calls = [*diploid, haploid]
    sites = pa.table(
        {
            "chrom": ["chr22", "chr22", "chr22", "chrX"],
            "pos": pa.array([100, 200, 300, 400], pa.int64()),
            "id": pa.array(["rs1", None, "rs3", None], pa.string()),
            "ref": ["A", "C", "G", "T"],
            "alt": pa.array([["G"], ["T"], ["A", "T"], ["C"]], pa.list_(pa.string())),
            "ploidy": pa.array([2, 2, 2, 1], pa.int8()),
            "gt": pa.array([call.tobytes() for call in calls], pa.binary()),
            "phased": pa.array([np.ones(n, dtype=np.int8).tobytes()] * 4, pa.binary()),
        }
    )
    owner = (policy or cohort_policy()).table("genotypes")
    return GenotypeTable(owner, sites, tuple(samples))


def memtable(policy: DatasetPolicy, name: str, rows: Mapping[str, list[Any]]) -> AnyTable:
    """Type `rows` as the policy declares them; a column that is not declared is text."""
    owner = policy.table(name)
    fields = {c.name: _ARROW[c.type.value] for c in owner.columns}
    data = pa.table({c: pa.array(values, fields.get(c, pa.string())) for c, values in rows.items()})
    return _CLASS[owner.kind.value](owner, ibis.memtable(data))


def raw(policy: DatasetPolicy, rows: Mapping[str, Mapping[str, list[Any]]]) -> Raw:
    return Raw(policy, {name: memtable(policy, name, columns) for name, columns in rows.items()})


def raw_admissions(rows: Mapping[str, Mapping[str, list[Any]]] | None = None, **policy: Any) -> Raw:
    return raw(admissions_policy(**policy), rows or admissions_rows())


def raw_cohort(rows: Mapping[str, Mapping[str, list[Any]]] | None = None, **policy: Any) -> Raw:
    rows = rows or cohort_rows()
    owner = cohort_policy(**policy)
    landed = raw(owner, rows)
    return Raw(owner, {**landed.tables, "genotypes": genotypes(rows["samples"]["sample_id"], policy=owner)})


def pseudonymized(landed: Raw, *, key: PseudonymKey = KEY, max_shift_days: int = 0) -> Pseudonymized:
    return pseudonymize(keep_consenting(classify(landed), on=ON), key=key, max_shift_days=max_shift_days)


def sources(*, max_shift_days: int = 0) -> dict[str, Pseudonymized]:
    """Both datasets, computed once for all tests of a process."""
    return dict(_sources(max_shift_days))


@cache
def _sources(max_shift_days: int) -> dict[str, Pseudonymized]:
    made = (
        pseudonymized(raw_admissions(), max_shift_days=max_shift_days),
        pseudonymized(raw_cohort(), max_shift_days=max_shift_days),
    )
    return {done.dataset.id: stored(done) for done in made}


def stored(done: Pseudonymized) -> Pseudonymized:
    """The same dataset with its rows computed, as the storage between stages hands them over."""
    return Pseudonymized(done.dataset, {name: _stored(table) for name, table in done.tables.items()})


def _stored(table: AnyTable) -> AnyTable:
    if isinstance(table, GenotypeTable):
        return table
    return type(table)(table.policy, ibis.memtable(table.rows.to_pyarrow()))


def keep(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "treat": {"op": "keep", "reason": "needed by the study"}, "rule": "APPI-25", **more}


def drop(name: str) -> dict[str, Any]:
    return {"name": name, "treat": {"op": "drop_column"}, "rule": "APPI-21"}


def treated(name: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "treat": list(steps), "rule": "APPI-25", **more}


def patients_columns() -> list[dict[str, Any]]:
    return [
        drop("patient_no"),
        drop("name"),
        keep("sex"),
        treated(
            "birth_date",
            {"op": "to_age", "at": "admit_date"},
            {"op": "generalize", "hierarchy": "age", "level": "search"},
            **{"as": "age"},
        ),
        treated(
            "address",
            {"op": "to_prefecture"},
            {"op": "generalize", "hierarchy": "area", "level": "search"},
            **{"as": "prefecture"},
        ),
        drop("insured_number"),
    ]


def admissions_columns() -> list[dict[str, Any]]:
    return [
        treated("admission_id", {"op": "pseudonymize", "method": "random", "scope": "release"}),
        drop("patient_no"),
        treated("admit_date", {"op": "truncate_date", "to": "year"}, **{"as": "admit_year"}),
        treated("discharge_date", {"op": "to_duration_days", "since": "admit_date"}, **{"as": "stay_days"}),
        keep("department"),
        treated("weight_kg", {"op": "round", "to": "5"}),
        drop("note"),
    ]


def diagnoses_columns() -> list[dict[str, Any]]:
    return [
        treated("admission_id", {"op": "pseudonymize", "method": "random", "scope": "release"}),
        drop("patient_no"),
        treated("icd10", {"op": "roll_up_rare", "hierarchy": "icd10", "min_persons": 3}),
    ]


def release(
    tables: list[dict[str, Any]], method: dict[str, Any], *, id_: str = "tiny-release", **more: Any
) -> ReleasePolicy:
    return ReleasePolicy.model_validate(
        {
            "schema": "niji/release/v1",
            "id": id_,
            "version": "1.0.0",
            "title": text(id_),
            "description": text(id_),
            "output_category": "anonymized_appi",
            "provision_basis": "anonymized_43",
            "rule_packs": ["appi@2026-07-17"],
            "effective_from": date(2026, 1, 1),
            "review_due": date(2027, 1, 1),
            "tables": tables,
            "method": method,
            "quality": {"suite": "tiny", "dimensions": ["completeness"]},
            "purposes": {"duo": ["DUO:0000042"], "text": text("research")},
            "prohibited_uses": ["reidentify"],
            "recipients": [{"id": "R-001", "name": text("lab"), "kind": "academic", "country": "JP"}],
            "delivery": ["extract"],
            "retention": {"extract_months": 12, "delete_within_days": 30},
            "catalog": {"keywords": [text("test")], "health_category": "EHRS"},
            **more,
        }
    )


def release_table(name: str, columns: list[dict[str, Any]], *, dataset_id: str = "admissions") -> dict[str, Any]:
    return {"dataset": dataset_id, "table": name, "columns": columns}


MICRODATA: dict[str, Any] = {
    "kind": "microdata",
    "record": "admissions",
    "quasi_identifiers": ["sex", "age", "prefecture", "admit_year"],
    "k": 2,
    "suppression_limit": 0.5,
    "max_record_risk": 0.5,
    "approved_by": "test",
}


CONTROLLED_METHOD = {"kind": "controlled_rows", "environment": "sealed_extract"}


def microdata_release(**method: Any) -> ReleasePolicy:
    return release(
        [
            release_table("patients", patients_columns()),
            release_table("admissions", admissions_columns()),
            release_table("diagnoses", diagnoses_columns()),
        ],
        {**MICRODATA, **method},
    )


def samples_columns() -> list[dict[str, Any]]:
    pseudonym = {"op": "pseudonymize", "method": "random", "scope": "release"}
    return [
        treated("patient_no", pseudonym),
        treated("sample_id", pseudonym),
        treated("collected_on", {"op": "truncate_date", "to": "year"}),
        keep("phenotype"),
    ]


def controlled_release(**method: Any) -> ReleasePolicy:
    pseudonym = {"op": "pseudonymize", "method": "random", "scope": "release"}
    return release(
        [
            release_table(
                "patients",
                [
                    treated("patient_no", pseudonym),
                    *patients_columns()[1:3],
                    drop("birth_date"),
                    drop("address"),
                    drop("insured_number"),
                ],
            ),
            release_table(
                "admissions", [admissions_columns()[0], treated("patient_no", pseudonym), *admissions_columns()[2:]]
            ),
            release_table("samples", samples_columns(), dataset_id="cohort"),
            release_table("genotypes", [keep("genotypes")], dataset_id="cohort"),
        ],
        {"kind": "controlled_rows", "environment": "sealed_extract", **method},
    )


def hierarchies() -> dict[str, Hierarchy]:
    ages = [
        [str(n), f"{n // 5 * 5}-{n // 5 * 5 + 4}", f"{n // 20 * 20}-{n // 20 * 20 + 19}", "*"] for n in range(0, 120)
    ]
    codes = [
        ["E11.2", "E11", "E10-E14", "IV", "*"],
        ["E11.9", "E11", "E10-E14", "IV", "*"],
        ["I10", "I10", "I10-I15", "IX", "*"],
        ["C95.1", "C95", "C81-C96", "II", "*"],
    ]
    return {
        "age": hierarchy_from_rows("age", ages),
        "area": hierarchy_from_rows("area", [["東京都", "関東", "*"], ["大阪府", "近畿", "*"]]),
        "icd10": hierarchy_from_rows("icd10", codes),
    }


def column_of(rows: ibis.Table, name: str) -> list[Any]:
    return rows.to_pyarrow().column(name).to_pylist()


def everything(tables: Mapping[str, Any]) -> str:
    """Return all values of all tables as one text, to search for what must not be there."""
    found = []
    for value in tables.values():
        if isinstance(value, GenotypeTable):
            found.append(str(value.samples))
            found.append(str(value.sites.drop(["gt", "phased"]).to_pylist()))
        elif hasattr(value, "rows"):
            found.append(str(value.rows.to_pyarrow().to_pylist()))
        elif hasattr(value, "to_pyarrow"):
            found.append(str(value.to_pyarrow().to_pylist()))
        else:
            found.append(str(value.to_pylist()))
    return "\n".join(found)
