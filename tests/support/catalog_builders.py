"""Policies, evidence and records of all five methods, built in memory for the catalog's tests. No file, no real data."""

from dataclasses import replace
from datetime import date
from typing import Any

from anonymization.evidence import CheckKind, CheckResult, Evidence, Statement
from catalog.access import RequestForm
from catalog.describe import PackageFacts, describe
from catalog.records import CatalogRecord
from policies.library import PolicyLibrary
from policies.load import PACKAGED, load_library
from policies.model import DatasetPolicy, ReleasePolicy
from policies.vocabulary import ProhibitedUse

METHODS = ("microdata", "dp_statistics", "small_cells", "allele_frequencies", "controlled_rows")
DAY = date(2026, 12, 1)


def text(ja: str, en: str) -> dict[str, str]:
    return {"ja": ja, "en": en}


def dataset() -> DatasetPolicy:
    return DatasetPolicy.model_validate(
        {
            "schema": "niji/dataset/v1",
            "id": "admissions",
            "version": "1.0.0",
            "title": text("入院診療データ", "Hospital admissions"),
            "description": text("入院患者の診療データ", "Admissions of one hospital"),
            "controller": {
                "name": text("青葉医科大学病院", "Aoba Medical University Hospital"),
                "type": "private_academic",
                "contact": {
                    "name": text("データ利用相談窓口", "Data use desk"),
                    "email": "data@example.jp",
                    "url": "https://example.jp/data",
                },
            },
            "steward": {"team": "team:stewards", "email": "steward@example.jp"},
            "acquisition_basis": "own_care",
            "consent": {"basis": "not_required", "reason": "test"},
            "project": "aoba",
            "tables": [_patients(), _stays(), _cohort()],
        }
    )


def _column(name: str, ja: str, en: str, role: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "ja": ja, "en": en, "class": "ordinary", "role": role, **more}


def _patients() -> dict[str, Any]:
    return {
        "name": "patients",
        "kind": "person",
        "title": text("患者", "Patients"),
        "source": {"format": "delimited", "path": "patients.csv", "encoding": "utf-8"},
        "columns": [
            _column("patient_no", "患者番号", "patient number", "person_key"),
            _column("sex", "性別", "sex", "quasi_identifier"),
            _column("birth_date", "生年月日", "date of birth", "quasi_identifier", type="date"),
        ],
    }


def _stays() -> dict[str, Any]:
    return {
        "name": "stays",
        "kind": "event",
        "title": text("入院", "Stays"),
        "source": {"format": "delimited", "path": "stays.csv", "encoding": "utf-8"},
        "columns": [
            _column("stay_id", "入院番号", "stay id", "record_key"),
            _column("patient_no", "患者番号", "patient number", "person_key"),
            _column("admit_date", "入院日", "date of admission", "event_date", type="date"),
            _column("icd10", "傷病名コード", "diagnosis code", "sensitive", code_system="ICD-10"),
            _column("hba1c", "HbA1c(糖化ヘモグロビン)", "HbA1c", "attribute", type="decimal", unit="%"),
        ],
    }


def _cohort() -> dict[str, Any]:
    return {
        "name": "cohort",
        "kind": "genotype",
        "title": text("ゲノムコホート", "Genome cohort"),
        "source": {"format": "vcf", "paths": ["cohort.vcf.gz"], "assembly": "GRCh38"},
        "columns": [
            {
                "name": "genotypes",
                "ja": "遺伝型",
                "en": "genotypes",
                "class": "identification_code",
                "code": "genome_snp_array",
                "role": "genotype",
                "type": "alleles",
            }
        ],
    }


_KEEP = {"op": "keep", "reason": "needed for the analysis"}


def _row_tables() -> list[dict[str, Any]]:
    return [
        {
            "dataset": "admissions",
            "table": "patients",
            "columns": [
                {"name": "patient_no", "treat": {"op": "drop_column"}, "rule": "APPI-23"},
                {"name": "sex", "treat": _KEEP, "rule": "APPI-25"},
                {
                    "name": "birth_date",
                    "as": "age_band",
                    "treat": [
                        {"op": "to_age", "at": "admit_date"},
                        {"op": "generalize", "hierarchy": "age5", "level": "search"},
                    ],
                    "rule": "APPI-24",
                },
            ],
        },
        {
            "dataset": "admissions",
            "table": "stays",
            "columns": [
                {
                    "name": "stay_id",
                    "treat": {"op": "pseudonymize", "method": "random", "scope": "release"},
                    "rule": "APPI-23",
                },
                {"name": "patient_no", "treat": {"op": "drop_column"}, "rule": "APPI-23"},
                {"name": "admit_date", "treat": {"op": "truncate_date", "to": "quarter"}, "rule": "APPI-25"},
                {
                    "name": "icd10",
                    "treat": {"op": "roll_up_rare", "hierarchy": "icd10", "min_persons": 10},
                    "rule": "APPI-24",
                },
                {"name": "hba1c", "treat": {"op": "round", "to": "0.1"}, "rule": "APPI-25"},
            ],
        },
    ]


def _method(kind: str) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {
        "microdata": {
            "record": "stays",
            "quasi_identifiers": ["sex", "age_band"],
            "k": 10,
            "suppression_limit": 0.02,
            "max_record_risk": 0.1,
            "approved_by": "privacy_officer",
        },
        "dp_statistics": {
            "unit": "person",
            "neighbouring": "add_remove",
            "accountant": "zcdp",
            "mechanism": "discrete_gaussian",
            "budget": {
                "population": "aoba",
                "population_rho_cap": "1",
                "release_rho": "0.25",
                "delta": "0.000001",
                "period_from": "2026-04-01",
                "period_to": "2027-03-31",
                "approved_by": "privacy_officer",
            },
            "queries": [
                {
                    "name": "people_by_sex",
                    "title": text("性別の人数", "People by sex"),
                    "statistic": "people",
                    "table": "stays",
                    "by": [{"column": "sex", "values": ["1", "2"], "source": "code list"}],
                    "bounds": {"cells_per_person": 1, "source": "by definition"},
                    "rho_share": "1",
                }
            ],
        },
        "small_cells": {"table": "stays", "by": ["icd10", "sex"], "min_cell": 10},
        "allele_frequencies": {
            "table": "cohort",
            "min_allele_count": 10,
            "membership_false_positive_rate": 0.05,
            "membership_max_power": 0.2,
            "over_bound": "thin",
            "approved_by": "privacy_officer",
        },
        "controlled_rows": {"environment": "sealed_extract"},
    }
    return {"kind": kind, **found[kind]}


def release(kind: str = "microdata", **changes: Any) -> ReleasePolicy:
    is_genome = kind == "allele_frequencies"
    cohort = [
        {
            "dataset": "admissions",
            "table": "cohort",
            "columns": [{"name": "genotypes", "treat": {"op": "aggregate_only"}, "rule": "APPI-01"}],
        }
    ]
    body: dict[str, Any] = {
        "schema": "niji/release/v1",
        "id": f"admissions-{kind.replace('_', '-')}",
        "version": "1.0.0",
        "title": text("入院診療データ 2019–2025", f"Hospital admissions 2019–2025 ({kind})"),
        "description": text(
            "糖尿病を含む入院患者の診療データです。性別・年齢階級・傷病名・検査値を収めています。",
            "Admissions of a university hospital: sex, age band, diagnosis and laboratory values.",
        ),
        "output_category": {
            "microdata": "anonymized_appi",
            "controlled_rows": "pseudonymized_appi",
        }.get(kind, "statistics"),
        "provision_basis": {"microdata": "anonymized_43", "controlled_rows": "joint_use_27_5_3"}.get(
            kind, "statistics_only"
        ),
        "rule_packs": ["appi@2026-06-14", "house@2026-11-01"],
        "effective_from": "2026-11-01",
        "review_due": "2027-10-31",
        "tables": cohort if is_genome else _row_tables(),
        "method": _method(kind),
        "quality": {"suite": "admissions", "dimensions": ["completeness", "validity"]},
        "purposes": {
            "duo": ["DUO:0000006", "DUO:0000021"],
            "ehds53": ["a", "e"],
            "text": text("健康・医療の学術研究", "Health research"),
        },
        "prohibited_uses": ["reidentify", "link_persons", "onward_transfer"],
        "recipients": [
            {
                "id": "R-001",
                "name": text("北辰大学", "Hokushin University"),
                "kind": "academic",
                "country": "JP",
                "security": "type1",
            },
            {"id": "R-002", "name": text("甲製薬", "Kinoe Pharma"), "kind": "company", "country": "JP"},
        ],
        "delivery": ["extract"],
        "retention": {"extract_months": 24, "delete_within_days": 30},
        "catalog": {
            "keywords": [text("糖尿病", "diabetes"), text("入院", "admission")],
            "temporal_from": "2019-04-01",
            "temporal_to": "2025-03-31",
            "health_category": "GENETIC" if is_genome else "EHRS",
            "min_typical_age": 0,
            "max_typical_age": 99,
        },
    }
    return ReleasePolicy.model_validate({**body, **changes})


def library(made: ReleasePolicy | None = None) -> PolicyLibrary:
    """The rule packs that ship with Niji, with one release and its dataset beside them."""
    shipped = load_library(PACKAGED)
    wanted = made or release()
    return replace(shipped, releases={wanted.id: wanted}, datasets={"admissions": dataset()})


def evidence(kind: str = "microdata", *, people_out: int | None = 4987) -> Evidence:
    return Evidence(
        method=kind,
        people_in=5012,
        people_out=people_out,
        records_in=9000,
        records_out=8990,
        guarantee=Statement("組合せごとに10人以上", "Each combination is shared by at least 10 people"),
        not_guaranteed=Statement("他のデータとの照合からは守りません", "Does not protect against every linkage"),
        k=12 if kind == "microdata" else None,
        epsilon=2.31 if kind == "dp_statistics" else None,
        delta=1e-6 if kind == "dp_statistics" else None,
        rho="0.25" if kind == "dp_statistics" else None,
        loss=0.123456 if kind == "microdata" else None,
        checks=(passing("recount-k", "4987 people in 211 classes"),),
    )


def passing(name: str, what: str = "holds") -> CheckResult:
    return CheckResult(name, CheckKind.RECOUNT, passed=True, blocking=True, what=what)


def record(kind: str = "microdata", *, package: PackageFacts | None = None, **changes: Any) -> CatalogRecord:
    return describe(
        release(kind, **changes),
        {"admissions": dataset()},
        evidence=evidence(kind),
        checks=(passing("quality-suite"),),
        issued=DAY,
        policy_digest="sha256:" + "a" * 64,
        package=package or PackageFacts(manifest_digest="sha256:" + "b" * 64, files={"stays.parquet": 123_456}),
    )


def form(public_key: str, **changes: Any) -> RequestForm:
    body: dict[str, Any] = {
        "release": "admissions-microdata",
        "release_version": "1.0.0",
        "applicant": "r-hayashi",
        "institution": "北辰大学",
        "recipient": "R-001",
        "co_investigators": ("r-mori",),
        "purpose": "糖尿病の入院経過の研究",
        "duo": "DUO:0000007",
        "mondo": "MONDO:0005148",
        "ehds53": "e",
        "commercial": False,
        "ethics_approval": "ERC-2026-7",
        "ethics_expires_on": date(2030, 3, 31),
        "period_from": DAY,
        "period_to": date(2027, 11, 30),
        "security": "type1",
        "accepted_prohibitions": tuple(ProhibitedUse),
        "recipient_public_key": public_key,
    }
    return RequestForm.model_validate({**body, **changes})
