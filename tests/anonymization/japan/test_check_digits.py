"""Check digits against published vectors, and the law that exactly one digit completes a body."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymization.japan.check_digits import (
    CORPORATE_NUMBER,
    DRIVER_LICENCE,
    INSURER_NUMBER,
    MEDICAL_INSTITUTION,
    MY_NUMBER,
    PATIENT_ELEVEN,
    PATIENT_NUMBER,
    RESIDENT_CODE,
    CheckDigit,
)

ALL = (CORPORATE_NUMBER, DRIVER_LICENCE, INSURER_NUMBER, MEDICAL_INSTITUTION, MY_NUMBER, PATIENT_NUMBER, RESIDENT_CODE)


@pytest.mark.parametrize(
    ("scheme", "number"),
    [
        # reference/legal-rules.md 5.1; the corporate number is the National Tax Agency's own, as published.
        (MY_NUMBER, "123456789018"),
        (INSURER_NUMBER, "33120015"),
        (MEDICAL_INSTITUTION, "0110113719"),
        (DRIVER_LICENCE, "309012345620"),
        (RESIDENT_CODE, "24727059608"),
        (CORPORATE_NUMBER, "7000012050002"),
    ],
    ids=lambda value: value.name if isinstance(value, CheckDigit) else "vector",
)
def test_published_vectors_hold(scheme, number):
    assert scheme.verify(number)


def test_only_the_resident_code_is_unconfirmed():
    assert [scheme.name for scheme in ALL if not scheme.is_confirmed] == ["resident code"]


@given(st.data(), st.sampled_from(ALL))
def test_exactly_one_digit_completes_a_body(data, scheme):
    length = data.draw(st.sampled_from(scheme.lengths))
    number = data.draw(st.text("0123456789", min_size=length, max_size=length))
    at = scheme.position % length
    completions = [number[:at] + digit + number[at + 1 :] for digit in "0123456789"]
    assert sum(map(scheme.verify, completions)) == 1
    body = number[1:] if at == 0 else number[:at]
    digit = scheme.compute(body)
    assert scheme.verify(number[:at] + digit + number[at + 1 :])


@given(st.text("0123456789", min_size=11, max_size=11), st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_of_a_my_number_is_noticed_unless_it_maps_to_zero(body, place, change):
    whole = body + MY_NUMBER.compute(body)
    altered = whole[:place] + str((int(whole[place]) + change) % 10) + whole[place + 1 :]
    # The rule folds remainders 0 and 1 into digit 0, so only there two bodies that differ in one digit may share it.
    assert not MY_NUMBER.verify(altered) or whole[-1] == "0"


@pytest.mark.parametrize(
    "text", ["", "12345678901", "1234567890189", "12345678901a", "１２３４５６７８９０１８", "1234-5678-9018"]
)
def test_other_spellings_are_not_repaired(text):
    assert not MY_NUMBER.verify(text)


def test_a_body_of_the_wrong_length_is_refused_without_being_quoted():
    with pytest.raises(ValueError, match="wrong length") as refused:
        MY_NUMBER.compute("9876")
    assert "9876" not in str(refused.value)


def _random_numbers(length: int, count: int) -> np.ndarray:
    return np.random.default_rng(11).integers(0, 10, (count, length))


@pytest.mark.parametrize("scheme", [*ALL, PATIENT_ELEVEN], ids=lambda scheme: scheme.name)
def test_the_shares_are_how_often_a_digit_is_right(scheme):
    length = scheme.lengths[-1]
    numbers = _random_numbers(length, 220_000)
    for digit in range(10):
        at = scheme.position % length
        right = scheme.verify_digits(np.where(np.arange(length) == at, digit, numbers)).mean()
        assert right == pytest.approx(scheme.shares()[digit], abs=0.004)
    assert scheme.shares().sum() == pytest.approx(1)


def test_of_all_twelve_digit_numbers_one_in_ten_passes_and_one_in_eleven_of_those_not_ending_in_zero():
    bodies = np.arange(10**6)[:, None] // 10 ** np.arange(10, -1, -1) % 10
    checks = MY_NUMBER.formula(bodies)
    passing = np.array([(checks == digit).mean() for digit in range(10)])
    assert passing.mean() == pytest.approx(0.1)
    assert passing[1:] == pytest.approx(np.full(9, 1 / 11), abs=0.002)
    assert passing[0] == pytest.approx(2 / 11, abs=0.002)


@pytest.mark.parametrize(
    ("scheme", "length"),
    [(INSURER_NUMBER, 8), (INSURER_NUMBER, 6), (MEDICAL_INSTITUTION, 10), (CORPORATE_NUMBER, 13)],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_single_wrong_digit_is_noticed_where_the_scheme_promises_it(scheme, length):
    """The 2-1 scheme notices every single change; modulus 9 all but 0 for 9."""
    bodies = _random_numbers(length - 1, 300)
    checks = scheme.formula(bodies)[:, None]
    numbers = np.hstack([checks, bodies] if scheme.position == 0 else [bodies, checks])
    for place in range(length):
        for change in range(1, 10):
            altered = numbers.copy()
            altered[:, place] = (altered[:, place] + change) % 10
            is_blind = (scheme is CORPORATE_NUMBER) & (abs(altered[:, place] - numbers[:, place]) == 9)
            assert not (scheme.verify_digits(altered) & ~is_blind).any()
