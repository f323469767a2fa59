"""Ids of a release link to nothing: not to the source, not to another release (rule APPI-23)."""

import ibis
import pyarrow as pa
import pytest

from anonymization.controlled import protect_controlled_rows
from anonymization.microdata import protect_microdata
from anonymization.release_checks import recount_release
from anonymization.release_checks.linkage import ids_of, linkage_checks
from anonymization.release_checks.surroundings import Surroundings
from anonymization.small_cells import protect_small_cells
from tests.support.hospital_tables import (
    controlled_release,
    drop,
    hierarchies,
    microdata_release,
    patients_columns,
    person,
    release,
    release_table,
    sources,
    treated,
)
from tests.support.rule_pairs import pair


def plain(protected):
    return {name: rows if isinstance(rows, pa.Table) else rows.to_pyarrow() for name, rows in protected.tables.items()}


def broken(checks):
    return {check.name for check in checks if not check.passed}


@pytest.fixture(scope="module")
def source():
    return sources()


@pytest.fixture(scope="module")
def microdata(source):
    return protect_microdata(microdata_release(), source, hierarchies=hierarchies())


@pair(rule="APPI-23", violation="V03")
def test_id_that_is_in_another_release_is_refused_and_fresh_ids_pass(microdata, source) -> None:
    again = protect_microdata(microdata_release(), source, hierarchies=hierarchies())
    fresh = Surroundings(elsewhere={"other/1.0.0": tuple(plain(again).values())})
    assert broken(linkage_checks(microdata.release, plain(microdata), fresh)) == set()
    same = Surroundings(elsewhere={"other/1.0.0": tuple(plain(microdata).values())})
    found = linkage_checks(microdata.release, plain(microdata), same)
    assert broken(found) == {"ids.other_releases"}
    assert all(
        an_id not in str([check.as_json() for check in found]) for an_id in ids_of(microdata.release, plain(microdata))
    )


@pair(rule="APPI-23", violation="V03")
def test_one_id_of_another_release_in_any_column_is_enough(microdata) -> None:
    tables = plain(microdata)
    one = min(ids_of(microdata.release, tables))
    elsewhere = Surroundings(elsewhere={"other/2.0.0": (pa.table({"note": ["a", one]}),)})
    assert broken(linkage_checks(microdata.release, tables, elsewhere)) == {"ids.other_releases"}
    harmless = Surroundings(elsewhere={"other/2.0.0": (pa.table({"note": ["a", "b"]}),)})
    assert broken(linkage_checks(microdata.release, tables, harmless)) == set()


@pair(rule="APPI-23", violation="V03")
@pair(rule="NBDC-03")
def test_research_id_of_the_hospital_is_no_id_of_a_release(source) -> None:
    protected = protect_controlled_rows(controlled_release(), source, hierarchies=hierarchies())
    around = Surroundings(source_codes=frozenset({person(3), "NC000003"}))
    assert broken(linkage_checks(protected.release, plain(protected), around)) == set()
    tables = plain(protected)
    people = tables["patients"]
    kept = [person(3), *people.column(0).to_pylist()[1:]]
    tables["patients"] = people.set_column(0, people.column_names[0], pa.array(kept))
    assert broken(linkage_checks(protected.release, tables, around)) == {"ids.source", "ids.coded_twice"}
    called = linkage_checks(protected.release, plain(protected), around, samples=["NC000003"])
    assert broken(called) == {"ids.source", "ids.coded_twice"}


def test_recount_says_it_with_the_rest(microdata, source) -> None:
    same = Surroundings(elsewhere={"other/1.0.0": tuple(plain(microdata).values())}, min_persons=1)
    assert broken(recount_release(microdata, source, around=same)) == {"ids.other_releases"}


def test_table_of_counts_has_no_ids(source) -> None:
    columns = [drop(column["name"]) for column in patients_columns() if column["name"] != "sex"]
    columns.append(treated("sex", {"op": "aggregate_only"}))
    counts = release(
        [release_table("patients", columns)],
        {"kind": "small_cells", "table": "patients", "by": ["sex"], "min_cell": 3},
        output_category="statistics",
        provision_basis="statistics_only",
    )
    protected = protect_small_cells(counts, source, hierarchies={})
    assert ids_of(counts, plain(protected)) == set()
    assert not isinstance(next(iter(protected.tables.values())), ibis.Table)
