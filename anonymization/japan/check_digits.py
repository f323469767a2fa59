"""Check digits of the numbers that Japanese institutions write: verify one, or compute one.

Belongs here: the arithmetic, its source, and whether the source was confirmed. Not here: finding such numbers in text
(`anonymization.identifiers`). Every function takes ASCII digits only; full-width digits and hyphens are normalized by
the caller. A number of another length or with another character is not valid; it is never repaired.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Digits = NDArray[np.int64]
"""N numbers of d digits each: shape (N, d), values 0-9, most significant digit first."""

_MY_NUMBER_WEIGHTS = np.array([6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2], dtype=np.int64)
_RESIDENT_CODE_WEIGHTS = np.array([5, 4, 3, 2, 7, 6, 5, 4, 3, 2], dtype=np.int64)
_DRIVER_LICENCE_WEIGHTS = np.array([5, 4, 3, 2, 7, 6, 5, 4, 3, 2], dtype=np.int64)


def my_number_check_digits(bodies: Digits) -> Digits:
    """Compute the check digit of each 11-digit body of a My Number (個人番号).

    Source: 番号法 総務省令 (426M60000008085) art. 5: r = sum P_n Q_n mod 11; the digit is 0 if r <= 1, else 11 - r.
    """
    remainder = (bodies @ _MY_NUMBER_WEIGHTS) % 11
    return np.where(remainder <= 1, 0, 11 - remainder)


def resident_code_check_digits(bodies: Digits) -> Digits:
    """Compute the check digit of each 10-digit body of a resident record code (住民票コード).

    Not confirmed: the formula is set by a minister's notice that was not read. These are the weights in common use; one
    published sample agrees. Treat a match as a hint, not as proof.
    """
    remainder = (bodies @ _RESIDENT_CODE_WEIGHTS) % 11
    return np.where(remainder <= 1, 0, 11 - remainder)


def two_one_check_digits(bodies: Digits) -> Digits:
    """Compute the check digit of each body by the 2-1 scheme (modulus 10, weights 2, 1, 2 … from the lowest digit).

    Insurer, public-expense, medical-institution and most hospitals' patient numbers use it.
    Source: 保険者番号等の設定について (厚生省 通知 昭和51年8月7日 保発45号・庁保発34号) 別添; the digits of each product
    are added, and the check digit completes the sum to a multiple of ten.
    """
    weights = np.where(np.arange(bodies.shape[1])[::-1] % 2 == 0, 2, 1)
    products = bodies * weights
    digits: Digits = (-(products // 10 + products % 10).sum(axis=1)) % 10
    return digits


def driver_licence_check_digits(bodies: Digits) -> Digits:
    """Compute the eleventh digit of each driver's licence number from its first ten (運転免許証番号).

    Source: secondary pages (reference/legal-rules.md 5.1, mark S); (11 - sum mod 11), last digit.
    """
    return ((11 - (bodies @ _DRIVER_LICENCE_WEIGHTS) % 11) % 11) % 10


def corporate_number_check_digits(bodies: Digits) -> Digits:
    """Compute the leading check digit of each 12-digit body of a corporate number (法人番号).

    Source: 法人番号の指定等に関する省令 (平成26年財務省令70号) art. 2: 9 - (sum P_n Q_n mod 9), Q = 1, 2, 1 … from
    the lowest digit.
    """
    weights = np.where(np.arange(bodies.shape[1])[::-1] % 2 == 0, 1, 2)
    digits: Digits = 9 - (bodies * weights).sum(axis=1) % 9
    return digits


def modulus_11_check_digits(bodies: Digits) -> Digits:
    """Compute the check digit of each body by modulus 11 with weights 2 to 7 from the lowest digit; 10 and 11 become 0.

    The commonest scheme of patient numbers beside the 2-1 scheme; municipality codes (全国地方公共団体コード) have a kin.
    Source: general knowledge, to be confirmed with the facility.
    """
    weights = 2 + np.arange(bodies.shape[1])[::-1] % 6
    digits: Digits = (11 - (bodies * weights).sum(axis=1) % 11) % 11 % 10
    return digits


_OF_ELEVEN = np.array([2, 1, 1, 1, 1, 1, 1, 1, 1, 1]) / 11
_OF_TEN = np.full(10, 0.1)
_OF_NINE = np.array([0, 1, 1, 1, 1, 1, 1, 1, 1, 1]) / 9


@dataclass(frozen=True, slots=True)
class CheckDigit:
    """How one kind of number carries its check digit.

    `lengths` are the allowed total lengths, `position` is where the check digit stands (0 first, -1 last, -2 last but
    one). The digits after it, if any, are not covered. `is_confirmed` says that the formula was read in its source.
    """

    name: str
    lengths: tuple[int, ...]
    position: int
    formula: Callable[[Digits], Digits]
    is_confirmed: bool
    modulus: int = 10

    def shares(self) -> NDArray[np.float64]:
        """Return how often each digit 0 to 9 is the check digit of a random body.

        Of the eleven remainders of modulus 11 two give 0, so 0 is right twice as often as any other digit: a random number
        that ends in 0 passes with 2/11, another with 1/11, and one whose last digit is random too with exactly 1/10.
        """
        return {9: _OF_NINE, 10: _OF_TEN, 11: _OF_ELEVEN}[self.modulus]

    def compute(self, body: str) -> str:
        """Return the check digit of the digits that it covers.

        Raises:
            ValueError: `body` is not ASCII digits of a fitting length (the message does not quote it).
        """
        after = -self.position - 1 if self.position < 0 else 0
        if not _is_digits(body) or len(body) + 1 + after not in self.lengths:
            msg = f"the body of a {self.name} has the wrong length or a character that is not a digit"
            raise ValueError(msg)
        return str(int(self.formula(_as_digits(body))[0]))

    def verify(self, number: str) -> bool:
        """Return whether `number` has a right length, digits only, and the right check digit."""
        if len(number) not in self.lengths or not _is_digits(number):
            return False
        return bool(self.verify_digits(_as_digits(number))[0])

    def verify_digits(self, numbers: Digits) -> NDArray[np.bool_]:
        """Return, for each row of `numbers` (N, length), whether its check digit is right."""
        at = self.position % numbers.shape[1]
        body = numbers[:, 1:] if at == 0 else numbers[:, :at]
        right: NDArray[np.bool_] = self.formula(body) == numbers[:, at]
        return right


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _as_digits(text: str) -> Digits:
    return (np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64) - ord("0")).reshape(1, -1)


MY_NUMBER = CheckDigit("My Number", (12,), -1, my_number_check_digits, is_confirmed=True, modulus=11)
CORPORATE_NUMBER = CheckDigit("corporate number", (13,), 0, corporate_number_check_digits, is_confirmed=True, modulus=9)
RESIDENT_CODE = CheckDigit("resident code", (11,), -1, resident_code_check_digits, is_confirmed=False, modulus=11)
INSURER_NUMBER = CheckDigit("insurer number", (6, 8), -1, two_one_check_digits, is_confirmed=True)
MEDICAL_INSTITUTION = CheckDigit("medical institution code", (10,), -1, two_one_check_digits, is_confirmed=True)
DRIVER_LICENCE = CheckDigit(
    "driver's licence number", (12,), -2, driver_licence_check_digits, is_confirmed=True, modulus=11
)
LATE_ELDERLY = CheckDigit("late-elderly insured number", (8,), -1, two_one_check_digits, is_confirmed=False)
PUBLIC_EXPENSE_PAYER = CheckDigit("public-expense payer number", (8,), -1, two_one_check_digits, is_confirmed=True)
PUBLIC_EXPENSE_RECIPIENT = CheckDigit("public-expense recipient", (7,), -1, two_one_check_digits, is_confirmed=True)
PATIENT_TWO_ONE = CheckDigit("patient number", tuple(range(6, 11)), -1, two_one_check_digits, is_confirmed=False)
PATIENT_ELEVEN = CheckDigit(
    "patient number", tuple(range(6, 11)), -1, modulus_11_check_digits, is_confirmed=False, modulus=11
)
PATIENT_NUMBER = CheckDigit("patient number", (8,), -1, two_one_check_digits, is_confirmed=True)
"""The demo hospital's own scheme: seven digits and a 2-1 check digit. Real hospitals differ."""
