"""Dropping the people whose data may not be used; the register goes with them.

Consent is a prohibition: nothing later in the data's way brings a dropped person back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis

from anonymization.key_maps import count_nulls, count_rows, distinct_values, drop_values, keep_values
from anonymization.samples import keep_samples
from anonymization.tables import (
    AnyTable,
    Classified,
    Consented,
    EventTable,
    GenotypeTable,
    PersonTable,
    ReferenceTable,
    RegisterTable,
)
from policies.errors import DataError, PolicyError
from policies.model import Consent, Register
from policies.vocabulary import ColumnRole, ConsentBasis


@dataclass(frozen=True, slots=True)
class _Rule:
    """Whose rows stay: those in `people` (opt-in), or all but those (opt-out)."""

    keeps: bool
    people: tuple[Any, ...]

    def rows(self, rows: ibis.Table, key: str) -> ibis.Table:
        if self.keeps:
            return keep_values(rows, key, self.people)
        return drop_values(rows, key, self.people) if self.people else rows


def keep_consenting(data: Classified, *, on: date) -> Consented:
    """Keep only people whose data may be used on the day `on`.

    The latest decision of a person up to `on` counts; of several on one day the most restrictive counts. Under `opt_in`
    a person without a decision is dropped, under `opt_out` kept. Codes under `refused` and `withdrawn` both drop the
    person, codes under `consented` keep them, so an objection that was taken back belongs under `consented`.

    Args:
        data: A classified dataset with its register. Not changed.
        on: The day on which the data are used.

    Returns:
        The dataset without the register. Rows of dropped people are gone from every table, their samples from every
        genotype table (sites stay). `people_in` and `people_out` count persons of all tables that name persons.

    Raises:
        DataError: The register is missing, or empty under `opt_in`; a decision has a code that the policy does not
            know, no date or no person.
        PolicyError: The waiting period is not over.

    Guarantee: No row and no sample of a person whose latest decision forbids it is left (rules NGMI-05, APPI-08).
    Not guaranteed: Decisions that reached the register after it was landed; data of a dropped person in the rows of
    others, such as a relative's history in a note.
    """
    consent = data.dataset.consent
    _refuse_inside_waiting(consent, on)
    tables = {name: table for name, table in data.tables.items() if not isinstance(table, RegisterTable)}
    people_in = _people(tables)
    rule = _rule(data, consent, on)
    kept = _apply(tables, rule) if rule is not None else tables
    return Consented(data.dataset, kept, people_in, _people(kept))


def _refuse_inside_waiting(consent: Consent, on: date) -> None:
    waiting = consent.waiting
    if waiting is None:
        return
    first_use = waiting.notice_on + timedelta(days=waiting.wait_days)
    if on < first_use:
        raise PolicyError(
            "consent.waiting-period",
            what=f"the data may be used from {first_use.isoformat()} on, and today counts as {on.isoformat()}",
            why=f"people were given {waiting.wait_days} days after the notice to object (rule NGMI-03)",
            fix="run again when the waiting period is over",
        )


def _rule(data: Classified, consent: Consent, on: date) -> _Rule | None:
    if consent.basis is ConsentBasis.NOT_REQUIRED or consent.register_ is None:
        return None
    policy = consent.register_
    register = data.tables.get(policy.table)
    opt_in = consent.basis is ConsentBasis.OPT_IN
    if not isinstance(register, RegisterTable) or register.policy.person_key is None:
        raise DataError(
            "data.register-missing",
            what=f"dataset '{data.dataset.id}' has no register table '{policy.table}' with a person key",
            why="without the register nobody can be shown to have agreed, or not to have objected",
            fix="land the register, or correct `consent.register.table`",
        )
    if opt_in and count_rows(register.rows) == 0:
        raise DataError(
            "data.register-empty",
            what=f"register '{policy.table}' has no rows",
            why="under opt-in that would drop everybody; an empty export is the likelier cause",
            fix="export the register again",
        )
    _check_register(register, policy)
    latest = _latest_decisions(register, policy, on)
    allowed, forbidden = latest[True], latest[False]
    return _Rule(keeps=True, people=allowed) if opt_in else _Rule(keeps=False, people=forbidden)


def _check_register(register: RegisterTable, policy: Register) -> None:
    rows = register.rows
    key = str(register.policy.person_key)
    for column in (key, policy.decided_on):
        nulls = count_nulls(rows, column)
        if nulls:
            raise DataError(
                "data.incomplete-decision",
                what=f"register '{policy.table}' has {nulls} rows without '{column}'",
                why="whose decision it is and which came last must be known",
                fix="complete the register at the source",
            )
    known = [*policy.consented, *policy.refused, *policy.withdrawn]
    decision = rows[policy.decision]
    unknown = count_rows(rows.filter(decision.isnull() | decision.notin(known)))
    if unknown:
        raise DataError(
            "data.unknown-decision",
            what=f"register '{policy.table}' has {unknown} rows whose '{policy.decision}' the policy does not know",
            why="a decision that is not understood may be a refusal",
            fix="list the code under consented, refused or withdrawn in the dataset policy",
        )


def _latest_decisions(register: RegisterTable, policy: Register, on: date) -> dict[bool, tuple[Any, ...]]:
    """Return the people whose latest decision allows use (True) and forbids it (False)."""
    key = str(register.policy.person_key)
    rows = register.rows
    decided = rows.select(
        person=rows[key],
        day=rows[policy.decided_on].cast("date"),
        allows=rows[policy.decision].isin(policy.consented) if policy.consented else ibis.literal(False),
    )
    decided = decided.filter(decided.day <= ibis.literal(on))
    last = decided.group_by("person").aggregate(last_day=decided.day.max()).rename(who="person")
    on_last = decided.join(last, (decided.person == last.who) & (decided.day == last.last_day))
    # Allowed only if every decision of that day allows: of several on one day the most restrictive counts.
    verdict = on_last.group_by("person").aggregate(allows=on_last.allows.all()).to_pyarrow().to_pydict()
    people: dict[bool, list[Any]] = {True: [], False: []}
    for person, allows in zip(verdict["person"], verdict["allows"], strict=True):
        people[bool(allows)].append(person)
    return {allows: tuple(listed) for allows, listed in people.items()}


def _apply(tables: Mapping[str, AnyTable], rule: _Rule) -> dict[str, AnyTable]:
    kept: dict[str, AnyTable] = {}
    for name, table in tables.items():
        if isinstance(table, PersonTable | EventTable):
            key = table.policy.person_key
            if key is None:
                raise PolicyError(
                    "policy.no-person-key",
                    what=f"table '{name}' has no column with the role person_key",
                    why="its rows could not be withdrawn",
                    fix="give one column the role person_key",
                )
            kept[name] = type(table)(table.policy, rule.rows(table.rows, key))
        elif isinstance(table, ReferenceTable):
            kept[name] = table
    for name, table in tables.items():
        if isinstance(table, GenotypeTable):
            kept[name] = _cut_to_people(name, table, kept)
    return kept


def _cut_to_people(name: str, table: GenotypeTable, tables: Mapping[str, AnyTable]) -> GenotypeTable:
    owner = tables.get(table.policy.samples or "")
    keys = owner.policy.with_role(ColumnRole.SAMPLE_KEY) if isinstance(owner, PersonTable) else ()
    if not isinstance(owner, PersonTable) or not keys:
        raise PolicyError(
            "policy.no-sample-table",
            what=f"genotype table '{name}' does not name a person table with a sample key under `samples`",
            why="a genotype that belongs to no known person could not be withdrawn",
            fix="write `samples:` with the person table that has a column of the role sample_key",
        )
    samples = set(distinct_values(owner.rows, keys[0].name))
    return keep_samples(table, [place for place, sample in enumerate(table.samples) if sample in samples])


def _people(tables: Mapping[str, AnyTable]) -> int:
    """Count the distinct persons of all tables that name persons."""
    people: set[Any] = set()
    for table in tables.values():
        if isinstance(table, PersonTable | EventTable) and table.policy.person_key is not None:
            people.update(distinct_values(table.rows, table.policy.person_key))
    return len(people)
