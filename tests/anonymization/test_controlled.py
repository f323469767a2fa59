"""Controlled rows: only people of every dataset, one id a person in rows and genomes, nothing of the source."""

from copy import deepcopy

import numpy as np
import pytest

from anonymization.controlled import protect_controlled_rows
from anonymization.tables import Pseudonymized
from policies.errors import DataError, PolicyError
from tests.support.hospital_tables import (
    CANARY,
    admissions_rows,
    column_of,
    controlled_release,
    everything,
    hierarchies,
    microdata_release,
    patients_columns,
    pseudonymized,
    raw_admissions,
    raw_cohort,
    release,
    release_table,
    sources,
)


def protect(source=None, **method):
    return protect_controlled_rows(controlled_release(**method), source or sources(), hierarchies=hierarchies())


def test_only_people_of_every_dataset_are_left():
    done = protect()
    people = set(column_of(done.tables["patients"], "patient_no"))
    # P0003 … P0007: in both, and P0008 withdrew from the cohort.
    assert len(people) == 5
    assert set(column_of(done.tables["samples"], "patient_no")) == people
    assert set(column_of(done.tables["admissions"], "patient_no")) == people
    assert set(done.genotypes["genotypes"].samples) == people
    assert (done.evidence.people_in, done.evidence.people_out) == (9, 5)


def test_a_sample_keeps_its_own_calls_under_its_persons_id():
    source = sources()
    done = protect(source)
    # The phenotype tells case from control; samples 3, 5, 7 are cases, and at the first site the calls differ by parity.
    phenotype = dict(
        zip(column_of(done.tables["samples"], "sample_id"), column_of(done.tables["samples"], "phenotype"), strict=True)
    )
    site = done.genotypes["genotypes"].sites.to_pylist()[0]
    calls = np.frombuffer(site["gt"], np.int8).reshape(5, 2)
    for sample, call in zip(done.genotypes["genotypes"].samples, calls.tolist(), strict=True):
        assert call == ([0, 1] if phenotype[sample] == "case" else [1, 0])
    assert done.genotypes["genotypes"].sites.num_rows == 4


def test_nothing_of_the_source_is_left():
    source = sources()
    done = protect(source)
    left = everything(done.tables) + everything(done.genotypes)
    assert CANARY not in left
    for stage in source.values():
        for table in stage.tables.values():
            keys = table.samples if hasattr(table, "samples") else column_of(table.rows, table.rows.columns[0])
            assert not any(str(key) in left for key in keys)


def test_two_releases_are_unrelated():
    one, other = protect(), protect()
    assert not set(one.genotypes["genotypes"].samples) & set(other.genotypes["genotypes"].samples)
    assert not set(column_of(one.tables["admissions"], "admission_id")) & set(
        column_of(other.tables["admissions"], "admission_id")
    )


def test_samples_and_rows_are_ordered_by_random_id():
    done = protect()
    assert list(done.genotypes["genotypes"].samples) == sorted(done.genotypes["genotypes"].samples)
    for table in done.tables.values():
        ids = column_of(table, "patient_no")
        assert ids == sorted(ids)


def test_a_person_who_objected_in_one_dataset_is_in_none():
    changed = deepcopy(admissions_rows())
    changed["optouts"]["patient_no"].append("P0003")
    changed["optouts"]["decision"].append("停止")
    changed["optouts"]["decided_on"].append(changed["optouts"]["decided_on"][0])
    done = protect({**sources(), "admissions": pseudonymized(raw_admissions(changed))})
    assert done.evidence.people_out == 4
    assert len(done.genotypes["genotypes"].samples) == 4


def test_datasets_of_two_projects_are_refused():
    with pytest.raises(PolicyError) as refused:
        protect({**sources(), "cohort": pseudonymized(raw_cohort(project="other"))})
    assert refused.value.code == "policy.different-projects"


@pytest.mark.parametrize(("most", "passes"), [(5, True), (4, False)])
def test_more_people_than_allowed_are_refused(most, passes):
    if passes:
        assert protect(max_people=most).evidence.people_out == 5
    else:
        with pytest.raises(DataError) as refused:
            protect(max_people=most)
        assert refused.value.code == "data.too-many-people"


def test_nobody_in_common_is_refused():
    source = sources()
    cohort = source["cohort"]
    samples = cohort.tables["samples"]
    empty = type(samples)(samples.policy, samples.rows.filter(samples.rows.phenotype == "none"))
    with pytest.raises(DataError) as refused:
        protect({**source, "cohort": Pseudonymized(cohort.dataset, {**cohort.tables, "samples": empty})})
    assert refused.value.code == "data.nobody-in-all"


def test_a_searched_column_is_refused():
    entries = [release_table("patients", patients_columns())]
    policy = release(entries, {"kind": "controlled_rows", "environment": "sealed_extract"})
    with pytest.raises(PolicyError) as refused:
        protect_controlled_rows(policy, sources(), hierarchies=hierarchies())
    assert refused.value.code in {"policy.search-without-quasi-identifier", "policy.unknown-column"}


def test_another_method_is_refused():
    with pytest.raises(PolicyError) as refused:
        protect_controlled_rows(microdata_release(), sources(), hierarchies=hierarchies())
    assert refused.value.code == "policy.other-method"


def test_printing_it_prints_no_row():
    done = protect()
    assert done.genotypes["genotypes"].samples[0] not in repr(done)
