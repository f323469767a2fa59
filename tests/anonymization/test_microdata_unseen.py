"""What a hierarchy does not know is refused, suppressed or one label in a release, and its evidence counts it."""

from dataclasses import replace

import pytest

from anonymization.hierarchy import OTHER
from anonymization.microdata import protect_microdata
from anonymization.tables import Anonymized
from policies.errors import DataError
from tests.support.hospital_tables import column_of, hierarchies, microdata_release, sources


def protect(on_unseen: str) -> Anonymized:
    ages = hierarchies()["age"]
    cut = [place for place, leaf in enumerate(ages.leaves) if int(leaf) < 71]
    young = replace(
        ages,
        leaves=tuple(ages.leaves[place] for place in cut),
        labels=tuple(tuple(level[place] for place in cut) for level in ages.labels),
        on_unseen=on_unseen,
    )
    return protect_microdata(
        microdata_release(quasi_identifiers=["age", "prefecture"]),
        sources(),
        hierarchies={**hierarchies(), "age": young},
    )


def test_unseen_values_are_suppressed_or_one_label_and_counted() -> None:
    suppressed, labelled = protect("suppress"), protect("other")
    counted = suppressed.evidence.measured["unseen_values"]["age"]
    assert counted["on_unseen"] == "suppress"
    assert (counted["values"], counted["rows"]) == (3, 4)
    assert suppressed.evidence.measured["suppressed_records"] >= 4
    assert labelled.evidence.measured["unseen_values"]["age"] == {**counted, "on_unseen": "other"}
    assert OTHER in column_of(labelled.tables["admissions"], "age")
    assert OTHER not in column_of(suppressed.tables["admissions"], "age")
    assert all(check.passed for check in labelled.evidence.checks)


def test_unseen_values_refuse_the_table_where_nobody_said_otherwise() -> None:
    with pytest.raises(DataError) as caught:
        protect("refuse")
    assert caught.value.code == "data.unseen-value"


def test_nothing_unseen_is_an_empty_record() -> None:
    done = protect_microdata(microdata_release(), sources(), hierarchies=hierarchies())
    assert done.evidence.measured["unseen_values"] == {}
