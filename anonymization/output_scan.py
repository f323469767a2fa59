"""The scan of what a release would publish: no identifier may be in it, whatever its policy says.

Belongs here: the scanner's findings on an output as release checks. Not here: what is found (`anonymization.identifiers`) or
how much it weighs (`anonymization.identifier_weights`). An output declares nothing and no false alarm is accepted in it.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from anonymization.evidence import CheckKind, CheckResult
from anonymization.identifier_weights import KIND_RULES, Weight, weigh
from anonymization.identifiers import scan
from anonymization.japan.identifier_labels import kinds_named_by
from policies.model.scan import IdentifierKind

_CODES = frozenset(
    {
        IdentifierKind.MY_NUMBER,
        IdentifierKind.RESIDENT_CODE,
        IdentifierKind.INSURER_NUMBER,
        IdentifierKind.INSURED_NUMBER,
        IdentifierKind.LATE_ELDERLY,
        IdentifierKind.LONG_TERM_CARE,
        IdentifierKind.DRIVER_LICENCE,
        IdentifierKind.PASSPORT,
        IdentifierKind.RESIDENCE_CARD,
        IdentifierKind.BASIC_PENSION,
        IdentifierKind.EMPLOYMENT_INSURANCE,
    }
)
"""Individual identification codes: Order art. 1(ii)-(ix), Rules art. 4."""
_DESCRIPTIONS = frozenset(
    {
        IdentifierKind.NAME,
        IdentifierKind.ADDRESS,
        IdentifierKind.PHONE,
        IdentifierKind.EMAIL,
        IdentifierKind.URL,
        IdentifierKind.IP_ADDRESS,
        IdentifierKind.PUBLIC_EXPENSE_RECIPIENT,
    }
)
_SAFE_HARBOR = _CODES | _DESCRIPTIONS | {IdentifierKind.PATIENT_NUMBER, IdentifierKind.POSTAL_CODE}
"""45 CFR 164.514(b)(2)(i): names, geography, telephone and fax, e-mail, numbers of records, plans, accounts and licences,
URLs, IP addresses, as far as Japanese records write them."""

_RULES: tuple[tuple[str, frozenset[IdentifierKind], str], ...] = (
    ("APPI-22", _CODES, "no individual identification code is in the output"),
    ("APPI-21", _DESCRIPTIONS, "no name, address, telephone, mail or web address is in the output"),
    ("HIPAA-01", _SAFE_HARBOR, "no identifier of the Safe Harbor list is in the output"),
)


def scan_output(tables: Mapping[str, pa.Table]) -> tuple[CheckResult, ...]:
    """Look for identifiers in the tables that would leave.

    Args:
        tables: The tables by name, as they would be published.

    Returns:
        One blocking check for each of APPI-22, APPI-21 and HIPAA-01; it passes when no column of any table holds one of
        its kinds. `contradicting` counts columns and kinds.

    Guarantee: The evidence is that of the landing: labels, column names, check digits beyond chance, whole cells.
    Not guaranteed: What the scanner does not know, and single numbers in columns of numbers.
    """
    found = [(name, column, kind) for name, table in tables.items() for column, kind in _evident(table)]
    columns = sum(table.num_columns for table in tables.values())
    checks = []
    for rule, kinds, what in _RULES:
        wrong = [(name, column) for name, column, kind in found if kind in kinds]
        places = ", ".join(sorted({f"{name}.{column}" for name, column in wrong}))
        checks.append(
            CheckResult(
                name=f"scan.output:{rule}",
                kind=CheckKind.RULE,
                passed=not wrong,
                blocking=True,
                what=what if not wrong else f"identifiers in {places}; expected: {what}",
                rule=rule,
                measured={"contradicting": len(wrong), "columns_scanned": columns},
            )
        )
    return tuple(checks)


_RANDOM_ID = "^[0-9a-f]{32}$"


def _evident(table: pa.Table) -> list[tuple[str, IdentifierKind]]:
    named = {column: kinds_named_by([column]) for column in table.column_names}
    report = scan(
        table, columns=[column for column in table.column_names if named[column] or not _is_random(table, column)]
    )
    found = []
    for one in report.scans:
        weight = weigh(one, is_named=one.kind in named[one.column])
        is_code_on_hold = weight is Weight.HOLD and one.kind in _CODES
        if (
            weight is Weight.BLOCK
            or is_code_on_hold
            or (weight is Weight.HOLD and KIND_RULES[one.kind].rule == "APPI-21")
        ):
            found.append((one.column, one.kind))
    insured = [column for column in report.columns() if IdentifierKind.INSURED_NUMBER in named[column]]
    return found + [(column, IdentifierKind.INSURED_NUMBER) for column in insured]


def _is_random(table: pa.Table, column: str) -> bool:
    """Return whether every cell is 128 bits in hexadecimal digits, as Niji's own ids are.

    Inside such a word no digits count as an identifier, and to look at each of them costs more than all the rest of the scan.
    """
    cells = table.column(column)
    if not pa.types.is_string(cells.type) or not len(cells):
        return False
    return bool(pc.all(pc.match_substring_regex(cells, _RANDOM_ID), skip_nulls=True).as_py())
