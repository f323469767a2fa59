"""The gate: a failed blocking check or a missing kind of check stops; everything else passes."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.evidence import CheckKind, CheckResult, Evidence, Statement
from anonymization.tables import SmallCellTable
from anonymization.validate import validate
from policies.errors import DataError
from tests.support.hospital_tables import microdata_release

EVIDENCE = Evidence("test", 1, 1, 1, 1, Statement("g", "g"), Statement("n", "n"))


def check(name="c", kind=CheckKind.QUALITY, *, passed=True, blocking=True):
    return CheckResult(name, kind, passed, blocking, "what")


ENOUGH = (check("suite"), check("again", CheckKind.RECOUNT))


def protected(*checks):
    return SmallCellTable(microdata_release(), {"t": pa.table({})}, replace(EVIDENCE, checks=checks))


def test_checks_that_passed_let_it_through_with_all_of_them():
    own = check("own", CheckKind.RULE)
    done = validate(protected(own), ENOUGH)
    assert done.checks == (own, *ENOUGH)


def test_a_failed_blocking_check_is_named():
    with pytest.raises(DataError) as refused:
        validate(protected(), [*ENOUGH, check("recount.k", CheckKind.RECOUNT, passed=False)])
    assert refused.value.code == "data.check-failed"
    assert "recount.k" in refused.value.what


def test_a_failed_check_of_its_own_evidence_stops_it_too():
    with pytest.raises(DataError):
        validate(protected(check(passed=False)), ENOUGH)


def test_a_failed_check_that_does_not_block_is_kept():
    assert validate(protected(), [*ENOUGH, check(passed=False, blocking=False)]).checks


@pytest.mark.parametrize("kind", [CheckKind.QUALITY, CheckKind.RECOUNT])
def test_a_missing_kind_of_check_stops(kind):
    others = [found for found in ENOUGH if found.kind is not kind]
    with pytest.raises(DataError) as refused:
        validate(protected(), others)
    assert refused.value.code == "data.check-missing"
    assert kind.value in refused.value.what


def test_its_own_evidence_does_not_count_as_a_check_made():
    with pytest.raises(DataError) as refused:
        validate(protected(*ENOUGH), [])
    assert refused.value.code == "data.check-missing"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6), st.randoms())
def test_deny_wins_whatever_the_order(drawn, shuffler):
    checks = [*ENOUGH, *(check(f"c{n}", passed=p, blocking=b) for n, (p, b) in enumerate(drawn))]
    shuffler.shuffle(checks)
    if any(blocking and not passed for passed, blocking in drawn):
        with pytest.raises(DataError):
            validate(protected(), checks)
    else:
        assert len(validate(protected(), checks).checks) == len(checks)
