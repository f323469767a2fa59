"""110,000 real-shaped beneficiaries and their hospital claims: codes and dates as one problem, at that size, in seconds."""

from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pytest

from anonymization.events.people import AskedOfEvents, PersonColumns, ProtectedPeople, protect_people
from anonymization.hierarchy import build_hierarchy
from anonymization.quasi import QuasiIdentifier
from policies.model import HierarchyPolicy
from policies.model.events import Events

FOLDER = "clinical-tabular/cms-desynpuf"
K = 11
"""The cell size that CMS asks of its own data."""
CODES = [f"ICD9_DGNS_CD_{number}" for number in range(1, 11)]
MODELS = {
    "codes": [
        {
            "model": "km",
            "name": "diagnoses",
            "codes": [{"table": "diagnoses", "column": "icd9"}],
            "m": 2,
            "suppression_limit": 0.05,
        }
    ],
    "trajectories": [{"table": "stays", "column": "admitted", "points": 2, "max_uniqueness": 0.1}],
}


def hierarchy(name: str, **levels: object) -> object:
    words = {"ja": name, "en": name}
    policy = {"schema": "niji/hierarchy/v1", "id": name, "version": "1.0.0", "title": words, "source": "a test"}
    return build_hierarchy(HierarchyPolicy.model_validate({**policy, "on_unseen": "suppress", "levels": levels}))


def tables(folder: Path) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return beneficiaries of 2008, a row a diagnosis, and a row a stay."""
    connection = duckdb.connect()
    people = f"read_csv('{folder}/beneficiary_2008_sample*.csv.gz', all_varchar = true, union_by_name = true)"
    claims = f"read_csv('{folder}/inpatient_claims_sample01.csv.gz', all_varchar = true)"
    connection.sql(f"CREATE TABLE people AS SELECT DESYNPUF_ID AS id, BENE_SEX_IDENT_CD AS sex FROM {people}")
    connection.sql(f"CREATE TABLE claims AS SELECT * FROM {claims} SEMI JOIN people ON DESYNPUF_ID = id")
    each = " UNION ALL ".join(f"SELECT DESYNPUF_ID AS id, {code} AS icd9 FROM claims" for code in CODES)
    day = "CAST(strptime(CLM_ADMSN_DT, '%Y%m%d') AS DATE)"
    return (
        connection.sql("SELECT * FROM people").to_arrow_table(),
        connection.sql(f"SELECT * FROM ({each}) WHERE icd9 IS NOT NULL").to_arrow_table(),
        connection.sql(f"SELECT DESYNPUF_ID AS id, {day} AS admitted FROM claims").to_arrow_table(),
    )


@pytest.fixture(scope="module")
def done(shared_data: Path) -> ProtectedPeople:
    people, diagnoses, stays = tables(shared_data / FOLDER)
    return protect_people(
        ibis.memtable(people),
        {"diagnoses": ibis.memtable(diagnoses), "stays": ibis.memtable(stays)},
        columns=PersonColumns("id"),
        quasi_identifiers=[QuasiIdentifier("sex", None, None)],
        k=K,
        suppression_limit=0.0,
        asked=AskedOfEvents(
            Events.model_validate(MODELS),
            {
                ("diagnoses", "icd9"): hierarchy("icd9", kind="prefix", lengths=[3, 2, 1]),
                ("stays", "admitted"): hierarchy("admitted", kind="date", first_year=2007, last_year=2011),
            },
        ),
    )


@pytest.mark.shared
def test_every_pair_of_published_diagnoses_is_of_eleven_beneficiaries(done: ProtectedPeople) -> None:
    assert done.people.num_rows == 110_000
    connection = duckdb.connect()
    connection.register("shown", done.events["diagnoses"])
    pairs = connection.sql(
        "SELECT COUNT(DISTINCT a.id) AS people FROM shown AS a JOIN shown AS b ON a.id = b.id AND a.icd9 <= b.icd9"
        " GROUP BY a.icd9, b.icd9"
    ).fetchall()
    assert len(pairs) > 100
    assert min(people for (people,) in pairs) >= K
    assert all(check.passed for check in done.checks)


@pytest.mark.shared
def test_codes_keep_most_of_their_meaning_and_dates_single_out_few(done: ProtectedPeople) -> None:
    codes, dates = done.measured
    assert codes["loss"] < 0.06
    assert codes["suppressed_entries"] <= 0.05 * codes["entries"]
    # Most have one stay, whose day a hundred others share.
    assert dates["uniqueness_before"] > 0.3
    assert dates["uniqueness"] + dates["uniqueness_error"] <= 0.1
