"""How much a count of hits weighs: nothing, what chance gives, or evidence of an identifier in a column.

Belongs here: thresholds and their reasons, kind by kind. Not here: what the policy declares, and what a steward accepted
(`anonymization.identifier_verdicts`).

Three things make evidence: a label beside the number in the text; a name of the column (or its declared label) that says the
kind; and more right check digits than chance gives (`anonymization.chance`). A valid My Number or resident code (住民票コード)
in running text is enough by itself: one is too many. In a column of nothing but such numbers it is not, for of any twelve
digits one in ten passes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from anonymization.chance import Chance
from anonymization.identifiers import ColumnScan
from anonymization.japan.number_forms import NUMBER_FORMS
from policies.model.scan import IdentifierKind

BLOCKED_AT_LANDING = frozenset({IdentifierKind.MY_NUMBER, IdentifierKind.RESIDENT_CODE})
"""Collecting them is forbidden outside statutory cases (番号法 19, 20; 住民基本台帳法 30条の37, 30条の38)."""

ALPHA_BLOCK = 1e-6
"""A chance below this is none: with 30 kinds and 1,000 columns, one false alarm in some thirty scans of everything."""
ALPHA_HOLD = 1e-3
"""From here up a share of right check digits is what chance gives; between the two a person looks."""
MIN_EXCESS = 2.0
"""Times the expected share. A long structured column departs from chance by a little, significantly; identifiers by far."""
MIN_DISTINCT = 20
"""With fewer distinct numbers of the form a test says nothing, and each valid My Number counts."""
ALONE_SHARE = 0.8
"""From this share on a column is one of such numbers; below, each valid My Number in it is a stray one and counts."""
COLUMN_SHARE = 0.9
"""Share of a column's values that must fit and be right before it is taken for a column of a kind with a check digit."""


class Weight(StrEnum):
    """What the hits amount to, before the policy is asked."""

    NONE = "none"
    CHANCE = "chance"
    FEW = "few"
    HOLD = "hold"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class KindRule:
    """What evidence of a kind does, and under which rule; for kinds told by their form, how many rows are evidence.

    `weight` is that of evidence. `min_rows` and `min_ratio` must both be reached by hits without label or column name.
    """

    rule: str
    weight: Weight
    min_rows: int = 1
    min_ratio: float = 0.0


_B, _H = Weight.BLOCK, Weight.HOLD
KIND_RULES: Mapping[IdentifierKind, KindRule] = {
    IdentifierKind.MY_NUMBER: KindRule("APPI-04", _B),
    IdentifierKind.RESIDENT_CODE: KindRule("APPI-03", _B),
    # Not personal: reported, so that thirteen digits are not mistaken for something else.
    IdentifierKind.CORPORATE_NUMBER: KindRule("APPI-03", Weight.FEW),
    IdentifierKind.INSURER_NUMBER: KindRule("APPI-03", _B, 20),
    IdentifierKind.INSURED_NUMBER: KindRule("APPI-03", _B),
    IdentifierKind.LATE_ELDERLY: KindRule("APPI-03", _B, 20),
    IdentifierKind.LONG_TERM_CARE: KindRule("APPI-03", _B),
    IdentifierKind.PUBLIC_EXPENSE_PAYER: KindRule("APPI-21", _H, 20),
    IdentifierKind.PUBLIC_EXPENSE_RECIPIENT: KindRule("APPI-21", _B, 20),
    # An institution is nobody, but in a small area it is nearly somebody.
    IdentifierKind.MEDICAL_INSTITUTION: KindRule("APPI-25", _H, 20),
    IdentifierKind.DRIVER_LICENCE: KindRule("APPI-03", _B, 20),
    IdentifierKind.PASSPORT: KindRule("APPI-03", _B, 3, 0.9),
    IdentifierKind.RESIDENCE_CARD: KindRule("APPI-03", _B),
    IdentifierKind.BASIC_PENSION: KindRule("APPI-03", _B),
    IdentifierKind.EMPLOYMENT_INSURANCE: KindRule("APPI-03", _B),
    IdentifierKind.PATIENT_NUMBER: KindRule("APPI-23", _B, 20),
    # The form is exact; three rows are no typing slip, and 0.5 % keeps a code list with one odd code out.
    IdentifierKind.PHONE: KindRule("APPI-21", _B, 3, 0.005),
    # "123-4567" is also a part number or a range: a column of postal codes has them in most rows.
    IdentifierKind.POSTAL_CODE: KindRule("APPI-25", _B, 3, 0.5),
    IdentifierKind.EMAIL: KindRule("APPI-21", _B),
    # Vocabularies and references hold addresses of the web; a person looks.
    IdentifierKind.URL: KindRule("APPI-21", _H),
    # Version numbers look the same.
    IdentifierKind.IP_ADDRESS: KindRule("APPI-21", _H, 3, 0.5),
    # The stop list cannot be complete; a share of the rows must agree.
    IdentifierKind.NAME: KindRule("APPI-21", _B, 3, 0.005),
    IdentifierKind.ADDRESS: KindRule("APPI-21", _B, 3, 0.005),
    # A whole date in a column that is not declared a date or free text; below one in a hundred it is a remark.
    IdentifierKind.WAREKI_DATE: KindRule("APPI-21", _H, 3, 0.01),
}

_SCHEMES = {(form.kind, form.variant): form.scheme for form in NUMBER_FORMS}


def chance_of(found: ColumnScan, *, with_text: bool = False) -> Chance | None:
    """Hold the right check digits of a column against chance; None for kinds without a check digit.

    Args:
        found: The scan.
        with_text: Whether the numbers in running text are counted too.
    """
    scheme = _SCHEMES.get((found.kind, found.variant))
    if scheme is None:
        return None
    return (found.alone.plus(found.inside) if with_text else found.alone).chance(scheme)


def weigh(found: ColumnScan, *, is_named: bool) -> Weight:
    """Say what the hits of a column amount to.

    Args:
        found: The scan of the column for one kind.
        is_named: Whether the column's name, or a declared label, says the kind.
    """
    if found.kind in BLOCKED_AT_LANDING:
        return _weigh_forbidden(found, is_named=is_named)
    rule = KIND_RULES[found.kind]
    if found.rows_named or (is_named and (found.rows_hit or _is_form_enough(found))):
        return rule.weight
    if rule.weight is Weight.FEW:
        return Weight.FEW if found.rows_hit else Weight.NONE
    if found.kind in _BY_LABEL:
        weight = Weight.HOLD if found.rows_inside else Weight.NONE
    elif chance_of(found) is not None:
        weight = _weigh_column(found, rule)
    elif found.kind is IdentifierKind.NAME:
        weight = rule.weight if is_name_column(found) else _weigh_form(found, found.rows_inside, rule)
    elif found.kind is IdentifierKind.PHONE:
        # Ten digits that begin with 0 are a fixed line where most values are.
        is_phone_column = found.rows_right >= 0.5 * found.rows_scanned
        weight = _weigh_form(found, found.rows_hit if is_phone_column else found.rows_inside, rule)
    else:
        weight = _weigh_form(found, found.rows_hit, rule)
    if found.kind is IdentifierKind.PASSPORT and weight is Weight.BLOCK:
        # Two letters and seven digits are also a stock number; there is no check digit.
        return Weight.HOLD
    is_doubtful = found.rows_doubtful > 0 or (is_named and found.rows_form > 0)
    return Weight.HOLD if is_doubtful and weight is not Weight.BLOCK else weight


_BY_LABEL = frozenset(
    {
        IdentifierKind.BASIC_PENSION,
        IdentifierKind.LONG_TERM_CARE,
        IdentifierKind.EMPLOYMENT_INSURANCE,
        IdentifierKind.LATE_ELDERLY,
        IdentifierKind.PUBLIC_EXPENSE_RECIPIENT,
    }
)
"""No check digit, or the commonest one on a common length: without a label or a name only the printed grouping tells."""


def _weigh_forbidden(found: ColumnScan, *, is_named: bool) -> Weight:
    if found.rows_named or found.rows_inside or (is_named and found.rows_hit):
        return Weight.BLOCK
    weight = _weigh_numbers(found) if found.rows_right else Weight.NONE
    is_doubtful = found.rows_doubtful > 0 or (is_named and found.rows_form > 0)
    return Weight.HOLD if is_doubtful and weight is not Weight.BLOCK else weight


def _weigh_numbers(found: ColumnScan) -> Weight:
    chance = chance_of(found)
    is_number_column = found.rows_alike >= ALONE_SHARE * found.rows_scanned
    if chance is None or chance.distinct < MIN_DISTINCT or not is_number_column:
        return Weight.BLOCK
    if chance.p_value >= ALPHA_HOLD:
        return Weight.CHANCE
    is_far = chance.p_value < ALPHA_BLOCK and chance.right_ratio >= MIN_EXCESS * chance.expected_ratio
    return Weight.BLOCK if is_far else Weight.HOLD


def _weigh_column(found: ColumnScan, rule: KindRule) -> Weight:
    chance = chance_of(found)
    if chance is None or not found.rows_right:
        return Weight.NONE
    fills = found.rows_right >= max(COLUMN_SHARE * found.rows_scanned, rule.min_rows)
    if fills and chance.p_value < ALPHA_BLOCK:
        # A number with a check digit, of no known kind: the steward says whose.
        return Weight.HOLD if found.kind is IdentifierKind.PATIENT_NUMBER else rule.weight
    return Weight.CHANCE if chance.p_value >= ALPHA_HOLD else Weight.FEW


def _weigh_form(found: ColumnScan, rows: int, rule: KindRule) -> Weight:
    if not rows:
        return Weight.NONE
    is_enough = rows >= rule.min_rows and rows >= rule.min_ratio * found.rows_scanned
    return rule.weight if is_enough else Weight.FEW


def _is_form_enough(found: ColumnScan) -> bool:
    """Return whether the form alone is evidence once the column's name says the kind."""
    return is_name_column(found) or (found.kind is IdentifierKind.POSTAL_CODE and found.rows_form > 0)


def is_name_column(found: ColumnScan) -> bool:
    """Return whether most values are two words that could be a name, and a fifth of these has a surname of the list."""
    if found.kind is not IdentifierKind.NAME:
        return False
    is_form = found.rows_alike >= 0.5 * found.rows_scanned
    return is_form and found.rows_right >= max(3, 0.2 * found.rows_alike)
