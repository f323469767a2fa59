"""Identifiers that are digits: how many, how grouped, what must hold of them, and whether they speak for themselves.

Belongs here: one `NumberForm` a kind, after legal-rules 5.1. Not here: finding them in text (`digit_chains`), or what a
hit means for a dataset (`anonymization.identifier_verdicts`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymization.japan.check_digits import (
    CORPORATE_NUMBER,
    DRIVER_LICENCE,
    INSURER_NUMBER,
    LATE_ELDERLY,
    MEDICAL_INSTITUTION,
    MY_NUMBER,
    PATIENT_ELEVEN,
    PATIENT_TWO_ONE,
    PUBLIC_EXPENSE_PAYER,
    PUBLIC_EXPENSE_RECIPIENT,
    RESIDENT_CODE,
    CheckDigit,
    Digits,
)
from policies.model.scan import IdentifierKind

Mask = NDArray[np.bool_]
Shape = tuple[int, ...]
"""How a number's digits are grouped: (4, 4, 4) is `1234-5678-9018`, (12,) is one run."""

INSURER_LAWS = (1, 2, 3, 4, 6, 7, 31, 32, 33, 34, 39, 63, 67, 72, 73, 74, 75)
"""法別番号 of the medical insurers (保険者番号等の設定について, 別表)."""
PUBLIC_EXPENSE_LAWS = (*range(10, 31), 38, *range(40, 63), 66, 79, *range(80, 100))
"""法別番号 of public expense: national laws, and 40 to 49 and 80 to 99 of prefectures and municipalities (general knowledge)."""


def _anything(numbers: Digits) -> Mask:
    return np.ones(len(numbers), dtype=bool)


def _pair(numbers: Digits, at: int) -> NDArray[np.int64]:
    pair: NDArray[np.int64] = numbers[:, at] * 10 + numbers[:, at + 1]
    return pair


def _has_prefecture(numbers: Digits, at: int) -> Mask:
    code = _pair(numbers, at)
    has: Mask = (code >= 1) & (code <= 47)
    return has


def _is_insurer(numbers: Digits) -> Mask:
    if numbers.shape[1] == 6:
        return _has_prefecture(numbers, 0)
    fits: Mask = np.isin(_pair(numbers, 0), INSURER_LAWS) & _has_prefecture(numbers, 2)
    return fits


def _is_payer(numbers: Digits) -> Mask:
    return np.isin(_pair(numbers, 0), PUBLIC_EXPENSE_LAWS) & _has_prefecture(numbers, 2)


def _is_institution(numbers: Digits) -> Mask:
    if numbers.shape[1] == 7:
        return _anything(numbers)
    # 点数表: 1 medical, 3 dental, 4 pharmacy.
    fits: Mask = _has_prefecture(numbers, 0) & np.isin(numbers[:, 2], (1, 3, 4))
    return fits


def _is_licence(numbers: Digits) -> Mask:
    # The first two digits are a public-safety commission (10 to 97).
    fits: Mask = (_pair(numbers, 0) >= 10) & (_pair(numbers, 0) <= 97)
    return fits


def _is_not_mobile(numbers: Digits) -> Mask:
    # 050, 070, 080 and 090 with eleven digits is a telephone number until a label says otherwise.
    fits: Mask = ~((numbers[:, 0] == 0) & (numbers[:, 1] >= 5) & (numbers[:, 2] == 0))
    return fits


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How one kind is written.

    `shapes` are its groupings, single runs included. `scheme` is its check digit, None if it has none (or if none can be
    checked at a length the scheme does not cover). `inside` are the shapes that count in running text without a label.
    `is_label_enough`: beside its label a number counts whatever its check digit, which no source confirms.
    `variant` tells apart the schemes of one kind.
    """

    kind: IdentifierKind
    shapes: tuple[Shape, ...]
    scheme: CheckDigit | None = None
    holds: Callable[[Digits], Mask] = _anything
    inside: tuple[Shape, ...] = ()
    is_label_enough: bool = False
    variant: int = 0

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths in digits, ascending."""
        return tuple(sorted({sum(shape) for shape in self.shapes}))

    def fits(self, numbers: Digits) -> Mask:
        """Say which numbers have the parts that the kind must have; the check digit is not looked at."""
        return self.holds(numbers)

    def is_right(self, numbers: Digits) -> Mask:
        """Say which numbers fit and have the right check digit, or fit where the kind has none."""
        fits = self.holds(numbers)
        if self.scheme is None or numbers.shape[1] not in self.scheme.lengths:
            return fits
        return fits & self.scheme.verify_digits(numbers)


_TWELVE: tuple[Shape, ...] = ((12,), (4, 4, 4), (3, 3, 3, 3), (6, 6), (2,) * 6, (1,) * 12)
_ELEVEN: tuple[Shape, ...] = ((11,), (10, 1), (5, 5, 1), (4, 4, 3), (3, 4, 4), (1,) * 11)

NUMBER_FORMS: tuple[NumberForm, ...] = (
    NumberForm(IdentifierKind.MY_NUMBER, _TWELVE, MY_NUMBER, inside=_TWELVE),
    NumberForm(IdentifierKind.RESIDENT_CODE, _ELEVEN, RESIDENT_CODE, holds=_is_not_mobile, inside=_ELEVEN),
    NumberForm(
        IdentifierKind.CORPORATE_NUMBER,
        ((13,), (1, 4, 4, 4)),
        CORPORATE_NUMBER,
        holds=lambda numbers: numbers[:, 0] > 0,
        inside=((1, 4, 4, 4),),
    ),
    NumberForm(IdentifierKind.INSURER_NUMBER, ((8,), (6,), (1,) * 8, (2, 2, 3, 1)), INSURER_NUMBER, holds=_is_insurer),
    NumberForm(IdentifierKind.LATE_ELDERLY, ((8,), (4, 4), (1,) * 8), LATE_ELDERLY, is_label_enough=True),
    NumberForm(IdentifierKind.LONG_TERM_CARE, ((10,), (1,) * 10)),
    NumberForm(IdentifierKind.PUBLIC_EXPENSE_PAYER, ((8,), (1,) * 8), PUBLIC_EXPENSE_PAYER, holds=_is_payer),
    NumberForm(IdentifierKind.PUBLIC_EXPENSE_RECIPIENT, ((7,), (1,) * 7), PUBLIC_EXPENSE_RECIPIENT),
    NumberForm(IdentifierKind.MEDICAL_INSTITUTION, ((10,), (7,)), MEDICAL_INSTITUTION, holds=_is_institution),
    NumberForm(IdentifierKind.DRIVER_LICENCE, _TWELVE, DRIVER_LICENCE, holds=_is_licence),
    NumberForm(IdentifierKind.BASIC_PENSION, ((10,), (4, 6)), inside=((4, 6),)),
    NumberForm(IdentifierKind.EMPLOYMENT_INSURANCE, ((11,), (4, 6, 1)), inside=((4, 6, 1),)),
    NumberForm(
        IdentifierKind.PATIENT_NUMBER,
        tuple((length,) for length in range(6, 11)),
        PATIENT_TWO_ONE,
        is_label_enough=True,
    ),
    NumberForm(IdentifierKind.PATIENT_NUMBER, tuple((length,) for length in range(6, 11)), PATIENT_ELEVEN, variant=1),
)
"""An insured number has no form of its own: it is found by its label, or because its table holds the insurer too."""

MAX_DIGITS = max(length for form in NUMBER_FORMS for length in form.lengths)
