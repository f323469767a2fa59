"""`protect_people`: people and events without a policy; the models hold after the join, and bad input is refused with a code."""

from collections import defaultdict

import ibis
import pyarrow as pa
import pytest

from anonymization.events.people import AskedOfEvents, PersonColumns, protect_people
from anonymization.hierarchy import hierarchy_from_rows
from anonymization.quasi import QuasiIdentifier
from policies.errors import DataError, NijiError
from policies.model.events import Events
from tests.support.event_definitions import is_km

CODES = hierarchy_from_rows(
    "codes", [("a1", "a", "*"), ("a2", "a", "*"), ("a3", "a", "*"), ("b1", "b", "*"), ("b2", "b", "*")]
)
KM = {
    "model": "km",
    "name": "codes",
    "codes": [{"table": "visits", "column": "code"}],
    "m": 2,
    "suppression_limit": 0.6,
}
HELD = ["a1 b1", "a1 b1", "a1 b2", "a2", "a2 b1", "a3 b2", "", "a1 b1"]


def people(families=None):
    return {"id": list(range(8)), "sex": list("11112222"), "family": families or [None] * 8}


def visits():
    pairs = [(person, code) for person, codes in enumerate(HELD) for code in codes.split()]
    return {"id": [person for person, _ in pairs], "code": [code for _, code in pairs]}


def protect(persons=None, events=None, **asked):
    table = pa.table({"id": (events or visits())["id"], "code": pa.array((events or visits())["code"], pa.string())})
    persons = persons or people()
    rows = pa.table({**persons, "family": pa.array(persons["family"], pa.string())})
    given = {
        "quasi_identifiers": [QuasiIdentifier("sex", None, None)],
        "k": 2,
        "suppression_limit": 0.5,
    }
    columns = PersonColumns("id", asked.pop("household", None))
    models = asked.pop("models", None) or Events.model_validate({"codes": [KM]})
    wanted = AskedOfEvents(models, asked.pop("hierarchies", {("visits", "code"): CODES}))
    return protect_people(
        ibis.memtable(rows), {"visits": ibis.memtable(table)}, **{**given, **asked}, columns=columns, asked=wanted
    )


def test_pairs_of_codes_are_of_k_people_after_the_join():
    done = protect()
    held = defaultdict(set)
    for row in done.events["visits"].to_pylist():
        held[row["id"]].add(row["code"])
    sets = [held[person] for person in done.people.column("id").to_pylist()]
    assert is_km(sets, range(len(sets)), k=2, m=2)
    assert any(sets)
    assert done.checks[0].passed


def test_events_of_suppressed_people_go_and_a_family_counts_once():
    families = ["f", "f", "f", "f", None, None, None, None]
    done = protect(people(families), household="family")
    assert done.people.column("sex").to_pylist() == ["2"] * 4
    assert set(done.events["visits"].column("id").to_pylist()) <= {4, 5, 6, 7}
    assert done.people.column_names == ["id", "sex"]


@pytest.mark.parametrize(
    ("persons", "events", "asked", "code"),
    [
        ({**people(), "id": [0, 0, *range(2, 8)]}, None, {}, "data.duplicate-record"),
        ({**people(), "id": [None, *range(1, 8)]}, None, {}, "data.duplicate-record"),
        (None, {"id": [99], "code": ["a1"]}, {}, "data.orphan-rows"),
        (None, {"id": pa.array([None], pa.int64()), "code": ["a1"]}, {}, "data.orphan-rows"),
        (None, {"id": [1], "code": ["zz"]}, {}, "data.unseen-value"),
        (None, None, {"hierarchies": {}}, "policy.event-without-hierarchy"),
    ],
    ids=["person twice", "person null", "unknown person", "nobody", "unknown code", "no hierarchy"],
)
def test_bad_input_is_refused_with_a_code(persons, events, asked, code):
    with pytest.raises(NijiError) as caught:
        protect(persons, events, **asked)
    assert caught.value.code == code


def test_impossible_limits_are_refused():
    none = Events.model_validate({"codes": [{**KM, "k": 9, "suppression_limit": 0.0}]})
    with pytest.raises(DataError, match="suppression_limit"):
        protect(models=none)


def test_no_events_and_no_codes_are_no_fault():
    assert protect(events={"id": pa.array([], pa.int64()), "code": []}).events["visits"].num_rows == 0
    assert protect(events={"id": [1, 2], "code": [None, None]}).events["visits"].num_rows == 0
