"""What the scanner found, held against what the dataset policy declares and what its steward accepted.

Belongs here: verdicts and the check results that keep them as evidence. Not here: counting (`anonymization.identifiers`)
and how much a count weighs (`anonymization.identifier_weights`). Counts in results have passed the disclosure gate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pyarrow as pa

from anonymization.disclosure import Room, disclose_count
from anonymization.evidence import CheckKind, CheckResult, Scalar
from anonymization.identifier_weights import (
    ALPHA_HOLD,
    BLOCKED_AT_LANDING,
    KIND_RULES,
    MIN_DISTINCT,
    Weight,
    chance_of,
    is_name_column,
    weigh,
)
from anonymization.identifiers import ColumnScan, ScanReport, read_columns, scan_cells
from anonymization.japan.identifier_labels import kinds_named_by
from policies.model import Column, TablePolicy
from policies.model.scan import FalseAlarm, IdentifierKind
from policies.vocabulary import ColumnClass, ColumnRole, IdentificationCode


class Verdict(StrEnum):
    """What follows from a finding."""

    BLOCK = "block"
    HOLD = "hold"
    ACCEPTED = "accepted"
    DECLARED = "declared"
    CHANCE = "chance"
    FEW = "few"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one kind in one column, and the check result that keeps it."""

    column: str
    kind: IdentifierKind
    verdict: Verdict
    check: CheckResult

    @property
    def stops_landing(self) -> bool:
        """Whether nothing of the table may be kept at all."""
        return self.verdict is Verdict.BLOCK and self.kind in BLOCKED_AT_LANDING


_HEALTH = frozenset(
    {IdentificationCode.HEALTH_INSURANCE, IdentificationCode.LATE_ELDERLY, IdentificationCode.LONG_TERM_CARE}
)
_CODES_OF_KIND: Mapping[IdentifierKind, frozenset[IdentificationCode]] = {
    IdentifierKind.INSURER_NUMBER: _HEALTH,
    IdentifierKind.INSURED_NUMBER: _HEALTH,
    IdentifierKind.LATE_ELDERLY: _HEALTH,
    IdentifierKind.LONG_TERM_CARE: _HEALTH,
    IdentifierKind.DRIVER_LICENCE: frozenset({IdentificationCode.DRIVER_LICENCE}),
    IdentifierKind.RESIDENCE_CARD: frozenset({IdentificationCode.RESIDENCE_CARD}),
    IdentifierKind.PASSPORT: frozenset({IdentificationCode.PASSPORT}),
    IdentifierKind.BASIC_PENSION: frozenset({IdentificationCode.BASIC_PENSION}),
    IdentifierKind.EMPLOYMENT_INSURANCE: frozenset({IdentificationCode.EMPLOYMENT_INSURANCE}),
}
_TOLD_BY_DIGITS = frozenset(
    {
        IdentifierKind.INSURER_NUMBER,
        IdentifierKind.PUBLIC_EXPENSE_PAYER,
        IdentifierKind.MEDICAL_INSTITUTION,
        IdentifierKind.DRIVER_LICENCE,
    }
)
_SUMMARIES: tuple[tuple[str, str], ...] = (
    ("APPI-03", "no identification code that the policy does not declare"),
    ("APPI-04", "no My Number"),
    ("APPI-21", "no name, contact or other direct identifier that the policy does not declare"),
)


def judge(
    report: ScanReport, table: TablePolicy, *, false_alarms: Sequence[FalseAlarm] = (), on: date | None = None
) -> tuple[Judgement, ...]:
    """Judge every kind in every column that has a hit or a doubt.

    A direct identifier or free text may hold anything but a My Number and a resident code; an identification code holds its
    own kind; a quasi-identifier may be a postal code or a date; a key may be a patient number. Insurer number and insured
    symbol or number in one table are an identification code together, by the columns' names (PPC FAQ 3-Q2-3).

    Args:
        report: The scan of the whole table.
        table: Its policy; scanned columns that the policy does not have are treated as declaring nothing.
        false_alarms: The dataset's known false alarms; those of other tables are ignored.
        on: The day for which they must be in force. Without a day none is.

    Returns:
        One judgement a column and kind, and one for each false alarm that no longer matches anything.
    """
    known = [alarm for alarm in false_alarms if alarm.table == table.name]
    found: dict[tuple[str, IdentifierKind], Judgement] = {}
    for one in _weighed(report, table):
        key = (one.scan.column, one.scan.kind)
        judgement = _judgement(one, table, known, on)
        if key not in found or _RANK[judgement.verdict] < _RANK[found[key].verdict]:
            found[key] = judgement
    matched = {key for key, judged in found.items() if judged.verdict in _ALARMS}
    stale = [_stale(alarm) for alarm in known if (alarm.column, alarm.kind) not in matched]
    return (*found.values(), *stale)


def undeclared_identifiers(
    report: ScanReport, table: TablePolicy, *, false_alarms: Sequence[FalseAlarm] = (), on: date | None = None
) -> tuple[CheckResult, ...]:
    """Return `judge`'s results as checks, after one summary for each rule (APPI-03, APPI-04, APPI-21).

    A summary passes when no finding of its rule blocks or waits for a person. The scanner's report of a column is the
    `measured` of its check: rows hit and scanned, their ratio, what chance expects, the p-value, the verdict.
    """
    judged = judge(report, table, false_alarms=false_alarms, on=on)
    return (*(_summary(rule, what, report, table, judged) for rule, what in _SUMMARIES), *(one.check for one in judged))


def my_number_rows(batch: pa.RecordBatch | pa.Table) -> pa.Array:
    """Find the rows with a My Number: in every column where a My Number blocks the landing, the rows that hit.

    Returns:
        One boolean a row, no nulls.
    """
    flagged = pa.array([False] * batch.num_rows, pa.bool_()).to_numpy(zero_copy_only=False)
    for cells in read_columns(batch):
        for found, mask in scan_cells(cells):
            is_named = found.kind in kinds_named_by([cells.column])
            if found.kind is IdentifierKind.MY_NUMBER and weigh(found, is_named=is_named) is Weight.BLOCK:
                flagged = flagged | cells.rows(mask)
    return pa.array(flagged)


@dataclass(frozen=True, slots=True)
class _Weighed:
    scan: ColumnScan
    weight: Weight
    is_named: bool


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
_ALARMS = frozenset({Verdict.BLOCK, Verdict.HOLD, Verdict.ACCEPTED})


def _weighed(report: ScanReport, table: TablePolicy) -> Iterator[_Weighed]:
    named = {name: kinds_named_by(_labels(name, table.column(name))) for name in report.columns()}
    weighed = [
        _Weighed(one, weigh(one, is_named=one.kind in named[one.column]), one.kind in named[one.column])
        for one in report.scans
        if one.kind is not IdentifierKind.INSURED_NUMBER or one.rows_named
    ]
    evident = {Weight.HOLD, Weight.BLOCK}
    told = {one.scan.column for one in weighed if one.scan.kind in _TOLD_BY_DIGITS and one.weight in evident}
    for one in weighed:
        is_shadow = one.scan.kind is IdentifierKind.PATIENT_NUMBER and not one.is_named and one.scan.column in told
        if one.weight is not Weight.NONE and not (is_shadow and one.weight is Weight.HOLD):
            yield one
    yield from _told_by_name(report, table, named, weighed)


def _told_by_name(
    report: ScanReport,
    table: TablePolicy,
    named: Mapping[str, frozenset[IdentifierKind]],
    weighed: Sequence[_Weighed],
) -> Iterator[_Weighed]:
    """Give what only the column's name tells: parts of an insured number, numbers of any form, values without a form.

    Symbol, number and branch have no form; an insurer beside them makes the identification code. Telephone and postal codes
    kept as numbers have lost theirs. A column called a name or an address whose values do not look like one waits.
    """
    evident = {Weight.HOLD, Weight.BLOCK}
    has_insurer = any(
        one.scan.kind is IdentifierKind.INSURER_NUMBER and (one.weight in evident or one.is_named) for one in weighed
    ) or any(IdentifierKind.INSURER_NUMBER in kinds_named_by(_labels(each.name, each)) for each in table.columns)
    looked_for = {(one.column, one.kind) for one in report.scans}
    for name in report.columns():
        scanned = report.of(name, IdentifierKind.MY_NUMBER).rows_scanned
        for kind, weight in _BY_NAME.items():
            is_lost = kind not in _LOST_AS_NUMBERS or (name, kind) not in looked_for
            if scanned and is_lost and kind in named[name]:
                is_part = kind is IdentifierKind.INSURED_NUMBER and not has_insurer
                found = ColumnScan(name, kind, scanned, rows_named=scanned)
                yield _Weighed(found, Weight.HOLD if is_part else weight, is_named=True)


_BY_NAME: Mapping[IdentifierKind, Weight] = {
    IdentifierKind.INSURED_NUMBER: Weight.BLOCK,
    IdentifierKind.PATIENT_NUMBER: Weight.BLOCK,
    IdentifierKind.PHONE: Weight.BLOCK,
    IdentifierKind.POSTAL_CODE: Weight.BLOCK,
    IdentifierKind.NAME: Weight.HOLD,
    IdentifierKind.ADDRESS: Weight.HOLD,
}
_LOST_AS_NUMBERS = frozenset({IdentifierKind.PHONE, IdentifierKind.POSTAL_CODE})


def _labels(name: str, column: Column | None) -> list[str]:
    return [name] if column is None else [name, column.ja, column.en or ""]


def _judgement(one: _Weighed, table: TablePolicy, known: Sequence[FalseAlarm], on: date | None) -> Judgement:
    found = one.scan
    verdict = Verdict(one.weight.value)
    note = ""
    alarm = next((alarm for alarm in known if (alarm.column, alarm.kind) == (found.column, found.kind)), None)
    if verdict in _ALARMS | {Verdict.FEW} and _declares(table.column(found.column), found.kind):
        verdict = Verdict.DECLARED
    elif verdict in _ALARMS and alarm is not None:
        verdict, note = _after_alarm(one, verdict, alarm, on)
    return Judgement(found.column, found.kind, verdict, _check(one, table.name, verdict, note))


def _after_alarm(one: _Weighed, verdict: Verdict, alarm: FalseAlarm, on: date | None) -> tuple[Verdict, str]:
    if on is None or not alarm.is_in_force(on):
        return (
            verdict,
            f"; its acceptance as a false alarm ended or had not begun ({alarm.accepted_on} to {alarm.expires_on})",
        )
    if alarm.kind in BLOCKED_AT_LANDING and not _is_chance(one):
        return verdict, "; it cannot be accepted as a false alarm, because chance does not explain it"
    return (
        Verdict.ACCEPTED,
        f"; accepted as a false alarm by {alarm.by} on {alarm.accepted_on}, until {alarm.expires_on}",
    )


def _is_chance(one: _Weighed) -> bool:
    """Return whether the check digits say no more than chance, in and out of running text, and no label says otherwise."""
    chance = chance_of(one.scan, with_text=True)
    if chance is None or one.is_named or one.scan.rows_named or one.scan.rows_doubtful:
        return False
    return chance.distinct >= MIN_DISTINCT and chance.p_value >= ALPHA_HOLD


_CLASSES_OF_KIND: Mapping[IdentifierKind, frozenset[ColumnClass]] = {
    IdentifierKind.PATIENT_NUMBER: frozenset({ColumnClass.LINKAGE_CODE, ColumnClass.IDENTIFICATION_CODE}),
    IdentifierKind.PUBLIC_EXPENSE_RECIPIENT: frozenset({ColumnClass.LINKAGE_CODE}),
    IdentifierKind.POSTAL_CODE: frozenset({ColumnClass.QUASI_IDENTIFIER}),
    IdentifierKind.MEDICAL_INSTITUTION: frozenset({ColumnClass.QUASI_IDENTIFIER}),
    IdentifierKind.WAREKI_DATE: frozenset({ColumnClass.QUASI_IDENTIFIER}),
}
_ANYTHING = frozenset({ColumnClass.DIRECT_IDENTIFIER, ColumnClass.FREE_TEXT})


def _declares(column: Column | None, kind: IdentifierKind) -> bool:
    if column is None:
        return False
    if kind in BLOCKED_AT_LANDING:
        return column.code is not None and column.code.value == kind.value
    if column.code in _CODES_OF_KIND.get(kind, frozenset()):
        return True
    is_date = kind is IdentifierKind.WAREKI_DATE and column.role is ColumnRole.EVENT_DATE
    return is_date or bool((_ANYTHING | _CLASSES_OF_KIND.get(kind, frozenset())) & set(column.classes))


_SAID: Mapping[Verdict, str] = {
    Verdict.BLOCK: "holds {kind}, which its policy does not declare",
    Verdict.HOLD: "may hold {kind}, which its policy does not declare; a person must look",
    Verdict.ACCEPTED: "looks as if it held {kind}",
    Verdict.DECLARED: "holds {kind}, as declared",
    Verdict.CHANCE: "has as many values that pass for {kind} as chance gives",
    Verdict.FEW: "has values that look like {kind}, too few to be a column of it",
}


def _check(one: _Weighed, table: str, verdict: Verdict, note: str) -> CheckResult:
    found = one.scan
    said = _SAID[verdict].format(kind=found.kind.value)
    return CheckResult(
        name=f"identifiers:{table}.{found.column}:{found.kind.value}",
        kind=CheckKind.RULE,
        passed=verdict not in (Verdict.BLOCK, Verdict.HOLD),
        blocking=verdict is Verdict.BLOCK,
        what=f"column '{found.column}' of table '{table}' {said}{note}",
        rule=KIND_RULES[found.kind].rule,
        measured={"verdict": verdict.value, **_measured(one)},
    )


def _shown(count: int) -> Scalar:
    shown = disclose_count(count, room=Room.STEWARD)
    return shown.text if shown.value is None else shown.value


def _measured(one: _Weighed) -> dict[str, Scalar]:
    found = one.scan
    # In a column of names those count too whose surname is in no list.
    rows = found.rows_alike + found.rows_inside if is_name_column(found) else found.rows_hit
    measured: dict[str, Scalar] = {
        "rows_hit": _shown(rows),
        "rows_doubtful": _shown(found.rows_doubtful),
        "rows_scanned": _shown(found.rows_scanned),
        "column_is_named_so": one.is_named,
    }
    if isinstance(measured["rows_hit"], int):
        measured["hit_ratio"] = round(rows / found.rows_scanned, 4) if found.rows_scanned else 0.0
    chance = chance_of(found, with_text=True)
    if chance is not None and chance.distinct:
        measured["distinct"] = _shown(found.alone.plus(found.inside).distinct())
        measured["expected_ratio"] = round(chance.expected_ratio, 4)
        if isinstance(_shown(chance.right), int):
            measured["p_value"] = float(f"{max(chance.p_value, 1e-300):.1e}")
    return measured


def _stale(alarm: FalseAlarm) -> Judgement:
    check = CheckResult(
        name=f"false_alarm:{alarm.table}.{alarm.column}:{alarm.kind.value}",
        kind=CheckKind.RULE,
        passed=False,
        blocking=False,
        what=f"the accepted false alarm for {alarm.kind.value} in '{alarm.table}.{alarm.column}' no longer matches "
        "anything the scanner finds; take it out of the dataset policy",
        measured={"verdict": Verdict.STALE.value},
    )
    return Judgement(alarm.column, alarm.kind, Verdict.STALE, check)


def _summary(rule: str, what: str, report: ScanReport, table: TablePolicy, judged: Sequence[Judgement]) -> CheckResult:
    of_rule = [one for one in judged if one.check.rule == rule]
    waiting = [one for one in of_rule if one.verdict in (Verdict.BLOCK, Verdict.HOLD)]
    return CheckResult(
        name=f"identifiers:{table.name}:{rule}",
        kind=CheckKind.RULE,
        passed=not waiting,
        blocking=False,  # the finding itself blocks, once
        what=f"{what} in the {len(report.columns())} columns scanned of table '{table.name}'",
        rule=rule,
        measured={
            "rows_scanned": _shown(report.rows_seen),
            "columns_scanned": len(report.columns()),
            **{verdict.value: sum(one.verdict is verdict for one in of_rule) for verdict in Verdict},
        },
    )
