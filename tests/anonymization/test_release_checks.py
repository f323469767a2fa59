"""The recount of what leaves: an honest release passes, and each kind of tampering is found by its own check."""

from dataclasses import replace
from datetime import date

import ibis
import pyarrow as pa
import pytest

from anonymization.controlled import protect_controlled_rows
from anonymization.dp.plan import plan
from anonymization.dp.release import measure
from anonymization.evidence import CheckKind, CheckResult
from anonymization.genome.release import protect_allele_frequencies
from anonymization.microdata import protect_microdata
from anonymization.release_checks import recount_release
from anonymization.release_checks.surroundings import Surroundings
from anonymization.small_cells import protect_small_cells
from anonymization.tables import GenotypeTable
from anonymization.treat import treat_tables
from anonymization.validate import validate
from policies.errors import DataError
from tests.support.hospital_tables import (
    admissions_columns,
    column_of,
    controlled_release,
    drop,
    hierarchies,
    keep,
    microdata_release,
    release,
    release_table,
    sources,
    treated,
)


def check(name):
    return CheckResult(name, CheckKind.QUALITY, True, True, "what")


def failed(protected, source):
    return {found.name for found in recount_release(protected, source) if not found.passed}


def with_table(protected, name, change):
    rows = change(
        protected.tables[name].to_pyarrow() if hasattr(protected.tables[name], "to_pyarrow") else protected.tables[name]
    )
    is_lazy = hasattr(protected.tables[name], "to_pyarrow")
    return replace(protected, tables={**protected.tables, name: ibis.memtable(rows) if is_lazy else rows})


def set_column(table, name, values):
    return table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))


# --- microdata --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source():
    return sources()


@pytest.fixture(scope="module")
def microdata(source):
    return protect_microdata(microdata_release(), source, hierarchies=hierarchies())


def test_honest_microdata_pass_and_are_validated(microdata, source):
    checks = recount_release(microdata, source, around=Surroundings(min_persons=2))
    assert all(found.passed and found.blocking for found in checks)
    assert any(found.kind is CheckKind.RECOUNT for found in checks)
    assert validate(microdata, [*checks, check("suite")]).checks


@pytest.mark.parametrize(
    ("name", "change", "found"),
    [
        ("admissions", lambda t: t.slice(1), "recount.same_classes"),
        ("admissions", lambda t: t.take(list(range(t.num_rows))[::-1]), "recount.row_order"),
        ("admissions", lambda t: set_column(t, "admission_id", [t["admission_id"][0].as_py()] * t.num_rows), "recount.record_ids"),
        ("admissions", lambda t: set_column(t, "sex", ["9", *t["sex"].to_pylist()[1:]]), "recount.k"),
        ("admissions", lambda t: t.append_column("patient_no", pa.array(["x"] * t.num_rows)), "recount.columns"),
        ("diagnoses", lambda t: set_column(t, "admission_id", ["stranger"] * t.num_rows), "recount.details.diagnoses"),
        ("diagnoses", lambda t: set_column(t, "icd10", ["C95.1", *t["icd10"].to_pylist()[1:]]), "recount.rare.diagnoses.icd10"),
    ],
    ids=["row-gone", "order", "same-id", "alone-in-class", "column", "stranger", "rare"],
)  # fmt: skip
def test_tampered_microdata_are_found(microdata, source, name, change, found):
    tampered = with_table(microdata, name, change)
    assert found in failed(tampered, source)
    with pytest.raises(DataError):
        validate(tampered, [*recount_release(tampered, source), check("suite")])


def test_a_key_of_the_source_is_found(microdata, source):
    key = column_of(source["admissions"].tables["patients"].rows, "patient_no")[0]
    tampered = with_table(microdata, "admissions", lambda t: set_column(t, "department", [key] * t.num_rows))
    assert "recount.source_keys" in failed(tampered, source)


def test_microdata_whose_people_nobody_counted_are_found(microdata, source):
    silent = replace(microdata, evidence=replace(microdata.evidence, checks=()))
    assert "recount.same_classes" in failed(silent, source)


# --- small cells ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cells(source):
    entry = release_table(
        "admissions",
        [drop(c["name"]) for c in admissions_columns()[:4]] + [keep("department"), drop("weight_kg"), drop("note")],
    )
    method = {"kind": "small_cells", "table": "admissions", "by": ["department"], "min_cell": 3}
    return protect_small_cells(release([entry], method), source, hierarchies={})


def test_an_honest_table_of_counts_passes(cells, source):
    assert failed(cells, source) == set()


def test_tampered_counts_are_found(cells, source):
    def count(values):
        return with_table(cells, "admissions", lambda t: set_column(t, "people", values(t["people"].to_pylist())))

    assert failed(count(lambda c: [1, *c[1:]]), source) >= {"recount.min_cell"}
    assert failed(count(lambda c: [None, *c[1:]]), source) >= {"recount.status", "recount.audit"}
    assert failed(count(lambda c: [c[0] + 1, *c[1:]]), source) == {"recount.audit"}
    fewer = with_table(cells, "admissions", lambda t: t.slice(1))
    assert "recount.audit" in failed(fewer, source)


# --- noisy tables -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def noisy(source):
    method = {
        "kind": "dp_statistics", "unit": "person", "neighbouring": "add_remove", "accountant": "zcdp",
        "mechanism": "discrete_gaussian",
        "budget": {"population": "tiny", "population_rho_cap": "1", "release_rho": "0.1", "delta": "0.000001",
                   "period_from": date(2026, 1, 1), "period_to": date(2027, 1, 1), "approved_by": "test"},
        "queries": [{"name": "by-department", "title": {"ja": "a", "en": "a"}, "statistic": "people", "table": "admissions",
                     "by": [{"column": "department", "values": ["内科", "外科", "小児科", "眼科"], "source": "list"}],
                     "bounds": {"cells_per_person": 1, "source": "test"}, "rho_share": "1"}],
    }  # fmt: skip
    columns = [
        drop("admission_id"),
        *admissions_columns()[1:4],
        treated("department", {"op": "aggregate_only"}),
        *admissions_columns()[5:],
    ]
    policy = release([release_table("admissions", columns)], method)
    rows = treat_tables(policy, source, hierarchies={})
    planned = plan(policy.method, policy_digest="sha256:p", snapshot_digest="sha256:s")
    return measure(policy, rows, plan=planned, bounding_key=b"b" * 32)


def test_an_honest_noisy_table_passes(noisy, source):
    assert failed(noisy, source) == set()


def test_tampered_noisy_tables_are_found(noisy, source):
    name = "by-department"
    assert failed(with_table(noisy, name, lambda t: t.slice(1)), source) == {f"recount.keys.{name}"}
    exact = with_table(noisy, name, lambda t: t.append_column("people", pa.array([1] * t.num_rows)))
    assert failed(exact, source) == {f"recount.columns.{name}"}
    assert failed(replace(noisy, tables={}), source) == {"recount.tables"}


# --- allele frequencies -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frequencies(source):
    entries = [
        release_table(
            "samples",
            [drop("patient_no"), drop("sample_id"), drop("collected_on"), drop("phenotype")],
            dataset_id="cohort",
        ),
        release_table("genotypes", [treated("genotypes", {"op": "aggregate_only"})], dataset_id="cohort"),
    ]
    method = {
        "kind": "allele_frequencies", "table": "genotypes", "min_allele_count": 2,
        "membership_false_positive_rate": 0.05, "membership_max_power": 0.99, "over_bound": "thin", "approved_by": "test",
    }  # fmt: skip
    return protect_allele_frequencies(release(entries, method), source)


def test_an_honest_frequency_table_passes(frequencies, source):
    assert frequencies.tables["genotypes"].num_rows > 0
    assert failed(frequencies, source) == set()


def test_tampered_frequencies_are_found(frequencies, source):
    def counts(value):
        return with_table(frequencies, "genotypes", lambda t: set_column(t, "AC", [value, *t["AC"].to_pylist()[1:]]))

    assert failed(counts(1), source) >= {"recount.floor.genotypes", "recount.alleles.genotypes"}
    called = frequencies.tables["genotypes"]["AN"][0].as_py()
    assert failed(counts(called - 1), source) >= {"recount.complement.genotypes"}
    twice = with_table(frequencies, "genotypes", lambda t: pa.concat_tables([t, t]))
    assert "recount.alleles.genotypes" in failed(twice, source)


# --- controlled rows --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def controlled(source):
    return protect_controlled_rows(controlled_release(), source, hierarchies=hierarchies())


def test_an_honest_extract_passes(controlled, source):
    assert failed(controlled, source) == set()


def test_tampered_extracts_are_found(controlled, source):
    whole = source["cohort"].tables["genotypes"]
    raw_samples = replace(controlled, genotypes={"genotypes": whole})
    assert failed(raw_samples, source) >= {"recount.sample_keys", "recount.same_people", "recount.people"}
    named = GenotypeTable(whole.policy, whole.sites, tuple(f"x{n}" for n in range(len(whole.samples))))
    assert failed(replace(controlled, genotypes={"genotypes": named}), source) >= {"recount.same_people"}
    key = column_of(source["admissions"].tables["patients"].rows, "patient_no")[0]
    leaked = with_table(controlled, "patients", lambda t: set_column(t, "sex", [key] * t.num_rows))
    assert "recount.source_keys" in failed(leaked, source)
