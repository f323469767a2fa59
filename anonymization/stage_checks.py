"""What a dataset's stages prove on its way: no My Number, nobody who objected, keyed codes and no identifying column.

Each function looks at what a stage left, by other means than the stage used, and gives one verdict a rule. Counts
only. Not here: the steps themselves, and what is counted of a finished release (`release_checks`).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date, timedelta
from itertools import islice
from typing import Any

from anonymization.evidence import CheckResult, Scalar, rule_check
from anonymization.key_maps import distinct_values
from anonymization.pseudonymize import PseudonymKey, person_pseudonyms
from anonymization.tables import AnyTable, EventTable, GenotypeTable, PersonTable, Pseudonymized, RegisterTable
from policies.model import Consent, DatasetPolicy
from policies.vocabulary import ColumnClass, ColumnRole, ConsentBasis

HASHED_KEYS = 20_000
"""How many source keys are hashed without a key to see whether a pseudonym is such a hash; V02 shows with the first."""

_KEY_ROLES = frozenset({ColumnRole.PERSON_KEY, ColumnRole.RECORD_KEY, ColumnRole.SAMPLE_KEY, ColumnRole.HOUSEHOLD_KEY})
_GONE = frozenset({ColumnClass.IDENTIFICATION_CODE, ColumnClass.FREE_TEXT, ColumnClass.PROPERTY_DAMAGE})


def landing_checks(*, rows: int, rows_with_my_number: int) -> tuple[CheckResult, ...]:
    """Say that no My Number came in with the rows that were landed (rule APPI-04)."""
    what = "no My Number is in any text or number that was landed"
    return (rule_check("APPI-04", "my_number", rows_with_my_number, what, {"rows": rows}),)


def consent_checks(
    dataset: DatasetPolicy, people: Iterable[Any], register: RegisterTable | None, *, on: date
) -> tuple[CheckResult, ...]:
    """Hold the people who are left against the register anew (rules NGMI-03, NGMI-05, APPI-08, EHDS-71).

    The register is replayed row by row in Python, where the stage asked the engine; both must leave the same people.

    Args:
        dataset: The dataset's policy.
        people: The distinct persons of every table that was kept.
        register: The register as it was landed; None where the policy has none.
        on: The day on which the data are used.
    """
    kept = {str(person) for person in people}
    residual = len(kept & forbidden_people(dataset.consent, register, kept, on=on))
    basis = dataset.consent.basis.value
    what = "nobody is left whose latest decision forbids the use"
    figures: dict[str, Scalar] = {"people": len(kept), "basis": basis, "day": on.isoformat()}
    checks = [
        rule_check(rule, f"residual.{rule}", residual, what, figures) for rule in ("NGMI-05", "APPI-08", "EHDS-71")
    ]
    waiting = dataset.consent.waiting
    if waiting is not None:
        first = waiting.notice_on + timedelta(days=waiting.wait_days)
        days_left = max(0, (first - on).days)
        what = f"the data are used after the {waiting.wait_days} days in which people could object"
        checks.append(rule_check("NGMI-03", "waiting_period", days_left, what, {"first_use": first.isoformat()}))
    return tuple(checks)


def publication_consent_checks(
    dataset: DatasetPolicy, people: Set[str], register: RegisterTable | None, *, key: PseudonymKey, on: date
) -> tuple[CheckResult, ...]:
    """Hold the people of a release's source against the register once more, on the day of publication (V08).

    Args:
        dataset: The policy of the dataset that the release was made from.
        people: The pseudonyms of everybody in its pseudonymized tables.
        register: The register as it was landed; None where the policy has none.
        key: The project's key: the register's people are looked for by their pseudonyms.
        on: The day of publication.
    """
    known_as: dict[str, str] = {}
    if register is not None and register.policy.person_key is not None:
        listed = distinct_values(register.rows, register.policy.person_key)
        known_as = person_pseudonyms(key, dataset.project, [str(one) for one in listed])
    residual = len(forbidden_people(dataset.consent, register, people, on=on, known_as=known_as))
    what = "on the day of publication, nobody is in the source whose latest decision forbids the use"
    figures: dict[str, Scalar] = {"people": len(people), "day": on.isoformat()}
    return tuple(
        rule_check(rule, f"residual_at_publication.{dataset.id}.{rule}", residual, what, figures)
        for rule in ("NGMI-05", "APPI-08", "EHDS-71")
    )


def forbidden_people(
    consent: Consent,
    register: RegisterTable | None,
    people: Iterable[str],
    *,
    on: date,
    known_as: Mapping[str, str] | None = None,
) -> frozenset[str]:
    """Return which of `people` may not be used on the day `on`, by the register's latest decisions.

    Of several decisions on one day the most restrictive counts. Under opt-in, who has no decision is forbidden; without
    a register under a basis that needs one, everybody is. `known_as` says what the register's people are called in
    `people`, where those are pseudonyms.
    """
    if consent.basis is ConsentBasis.NOT_REQUIRED or consent.register_ is None:
        return frozenset()
    if register is None or register.policy.person_key is None:
        return frozenset(people)
    policy = consent.register_
    columns = register.rows.select(register.policy.person_key, policy.decided_on, policy.decision).to_pyarrow()
    latest: dict[str, tuple[date, bool]] = {}
    for person, day, decision in zip(*(column.to_pylist() for column in columns.columns), strict=True):
        if day is None or day > on:
            continue
        who = str(person) if known_as is None else known_as[str(person)]
        allows = decision in policy.consented
        before = latest.get(who)
        if before is None or day > before[0]:
            latest[who] = (day, allows)
        elif day == before[0]:
            latest[who] = (day, before[1] and allows)
    by_default = consent.basis is ConsentBasis.OPT_OUT
    return frozenset(person for person in people if not (latest[person][1] if person in latest else by_default))


def pseudonym_checks(
    data: Pseudonymized, source: Mapping[str, AnyTable], *, key_id: str, max_shift_days: int
) -> tuple[CheckResult, ...]:
    """Say that codes are keyed and nothing that identifies by itself is left (rules APPI-17, APPI-34, NBDC-03).

    Args:
        data: The pseudonymized dataset.
        source: The consented tables it was made from, by name.
        key_id: The public id of the project's key; the key itself is never seen here.
        max_shift_days: How far dates moved at most; the shifts themselves are nowhere but in the key.
    """
    old, new = _keys(source.values()), _keys(data.tables.values())
    same = len(old & new)
    hashed = len(new & _unkeyed_hashes(islice(old, HASHED_KEYS)))
    identifying, codes = _identifying_columns(data)
    keyed: dict[str, Scalar] = {"method": "hmac-sha-256, 128 bits", "key_id": key_id, "codes": len(new)}
    return (
        rule_check("APPI-17", "identifying_columns", identifying + codes, _NOTHING_LEFT, {"columns": _columns(data)}),
        rule_check("APPI-22", "code_columns", codes, "no column of an identification code is left but genotypes"),
        rule_check("APPI-20", "contact_columns", identifying, "no column is left by which a person could be contacted"),
        rule_check("APPI-34", "keyed_codes", same + hashed, _KEYED, {"same": same, "unkeyed_hashes": hashed, **keyed}),
        rule_check("NBDC-03", "coded_once", same + hashed, "ids are coded under a key of the project", keyed),
        rule_check(
            "APPI-18", "nothing_restorable", _internal_columns(data), _NOT_BESIDE, {"max_shift_days": max_shift_days}
        ),
    )


_NOTHING_LEFT = "no column is left that identifies by itself, holds a code, or may cause loss of property"
_KEYED = "no code of a person, record or sample is the source's own, or a hash of it that needs no key"
_NOT_BESIDE = "no shift, seed or map by which the step could be undone is stored beside the rows"


def _keys(tables: Iterable[AnyTable]) -> set[str]:
    found: set[str] = set()
    for table in tables:
        if isinstance(table, GenotypeTable):
            found.update(table.samples)
        elif isinstance(table, PersonTable | EventTable):
            for column in table.policy.columns:
                # Foreign keys repeat what they refer to.
                if column.role in _KEY_ROLES and column.name in table.rows.columns:
                    found.update(str(value) for value in distinct_values(table.rows, column.name))
    return found


def _unkeyed_hashes(values: Iterable[str]) -> set[str]:
    """Return what the values become under the hashes that need no key, whole and cut to 128 bits (violation V02)."""
    hashes = (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512)
    found: set[str] = set()
    for value in values:
        for each in hashes:
            text = each(value.encode(), usedforsecurity=False).hexdigest()
            found.update((text, text[:32]))
    return found


def _identifying_columns(data: Pseudonymized) -> tuple[int, int]:
    """Count the columns left that identify by themselves, and those that are codes; by class, whatever their role."""
    identifying = codes = 0
    for table in data.tables.values():
        if isinstance(table, GenotypeTable):
            continue
        for column in table.policy.columns:
            if column.name not in table.rows.columns or column.role in _KEY_ROLES | {ColumnRole.FOREIGN_KEY}:
                continue
            classes = set(column.classes)
            codes += bool(_GONE & classes)
            is_coarse = column.role is ColumnRole.QUASI_IDENTIFIER  # an address of which the prefecture is left
            identifying += ColumnClass.DIRECT_IDENTIFIER in classes and not is_coarse
    return identifying, codes


def _columns(data: Pseudonymized) -> int:
    return sum(len(table.rows.columns) for table in data.tables.values() if not isinstance(table, GenotypeTable))


def _internal_columns(data: Pseudonymized) -> int:
    """Count the columns left that the policy does not declare: a shift or a map would be one."""
    tables: Sequence[AnyTable] = [one for one in data.tables.values() if not isinstance(one, GenotypeTable)]
    return sum(
        len(set(table.rows.columns) - {column.name for column in table.policy.columns})
        for table in tables
        if not isinstance(table, GenotypeTable)
    )
