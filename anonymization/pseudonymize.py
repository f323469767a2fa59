"""Keyed pseudonyms, one secret date shift a person, and no direct identifiers.

Only keyed hashing is offered: an unkeyed hash of a patient number is undone by hashing all patient numbers
(rule APPI-34).
"""

import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import ibis
import pyarrow as pa

from anonymization.japan.prefectures import prefecture_of
from anonymization.key_maps import attach_values, count_nulls, distinct_values, replace_values
from anonymization.tables import (
    AnyTable,
    Consented,
    EventTable,
    GenotypeTable,
    PersonTable,
    Pseudonymized,
    ReferenceTable,
)
from policies.errors import DataError, PolicyError
from policies.model import Column, DatasetPolicy, TablePolicy
from policies.vocabulary import ColumnClass, ColumnRole, ColumnType

KEY_BYTES = 32
"""Length of a pseudonym key. Source: RFC 2104 section 3, keys of at least the hash's length."""

PSEUDONYM_BYTES = 16
"""128 bits of the HMAC are kept: 10⁹ persons collide with a probability of about 10⁻²¹, and collisions are refused."""

_KEY_ROLES = frozenset(
    {
        ColumnRole.PERSON_KEY,
        ColumnRole.RECORD_KEY,
        ColumnRole.FOREIGN_KEY,
        ColumnRole.SAMPLE_KEY,
        ColumnRole.HOUSEHOLD_KEY,
    }
)
_GONE_ROLES = frozenset({ColumnRole.IDENTIFIER, ColumnRole.FREE_TEXT})
_GONE_CLASSES = frozenset({ColumnClass.IDENTIFICATION_CODE, ColumnClass.FREE_TEXT, ColumnClass.PROPERTY_DAMAGE})
_SHIFT = "__niji_shift_days"


class PseudonymKey:
    """The secret key of one project's pseudonyms; it prints as `<secret>` and cannot be pickled."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) < KEY_BYTES:
            raise PolicyError(
                "policy.short-key",
                what=f"a pseudonym key has fewer than {KEY_BYTES} bytes",
                why="a short key can be guessed, and every pseudonym with it",
                fix="make a key with the key store",
            )
        self._secret = bytes(secret)

    @classmethod
    def new(cls) -> "PseudonymKey":
        """Draw a new key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def digest(self, *parts: str) -> bytes:
        """Return HMAC-SHA-256 over `parts`, each with its length before it, so that no two lists of parts coincide."""
        return hmac.digest(self._secret, b"".join(map(_framed, parts)), "sha256")

    def digests(self, *parts: str, values: Iterable[str]) -> Iterator[bytes]:
        """Return `digest(*parts, value)` for each of `values`, in order."""
        start = b"".join(map(_framed, parts))
        return (hmac.digest(self._secret, start + _framed(value), "sha256") for value in values)

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        msg = "a pseudonym key is not written anywhere but to the key store"
        raise TypeError(msg)


def _framed(part: str) -> bytes:
    encoded = part.encode()
    return len(encoded).to_bytes(8, "big") + encoded


def pseudonymize(data: Consented, *, key: PseudonymKey, max_shift_days: int) -> Pseudonymized:
    """Replace every key by a keyed pseudonym, shift dates person by person, and drop what identifies by itself.

    A pseudonym is HMAC-SHA-256(key, project ‖ domain ‖ value), cut to 128 bits, as 32 hexadecimal digits. The domain
    is `person` for person keys, `sample` for sample keys and `dataset/table.column` for others; a foreign key has the
    domain of what it refers to, so joins survive. Datasets of one project agree on a person's pseudonym.

    All dates and moments of a person, the birth date too, move by the same number of whole days.

    Args:
        data: A consented dataset. Not changed.
        key: The project's key, from the key store.
        max_shift_days: Dates move by -`max_shift_days` … `max_shift_days`, drawn by HMAC; 0 moves nothing.

    Returns:
        The tables without columns of the roles identifier and free_text, of the classes identification_code (except
        genotypes), free_text and property_damage, and without direct identifiers that are not quasi-identifiers.
        Quasi-identifiers stay: their treatment belongs to the release. Of an address (text that is both) only the
        prefecture stays, null where it begins with none. Keys are strings. Each table keeps the policy
        of its source, so `rows.columns`, not the policy, says what is left.

    Raises:
        PolicyError: `max_shift_days` is negative; a foreign key does not say what it refers to.
        DataError: A person key is null, or two values got one pseudonym.

    Guarantee: Without the key a pseudonym tells nothing about its value and cannot be recomputed; the same value has
    the same pseudonym inside a project and unrelated ones in different projects. Intervals in days between the dates
    of one person are exact.
    Not guaranteed: This is personal data still (仮名加工情報). Rows of one person are linkable; quasi-identifiers and
    values may single people out; who knows one true date of a person knows the shift. An age in full years may differ
    by one where the date is within a day of a birthday, because leap days do not move.
    """
    if max_shift_days < 0:
        raise PolicyError(
            "policy.negative-shift",
            what="`max_shift_days` is negative",
            why="the range of a date shift is given by its largest number of days",
            fix="write zero or a positive number of days",
        )
    replaced = {name: _replace_table(data.dataset, table, key, max_shift_days) for name, table in data.tables.items()}
    return Pseudonymized(data.dataset, replaced)


def is_dropped(column: Column) -> bool:
    """Tell whether pseudonymization removes the column."""
    if column.role in _KEY_ROLES or column.role is ColumnRole.GENOTYPE:
        return False
    if column.role in _GONE_ROLES or _GONE_CLASSES & set(column.classes):
        return True
    return ColumnClass.DIRECT_IDENTIFIER in column.classes and column.role is not ColumnRole.QUASI_IDENTIFIER


def is_coarsened(column: Column) -> bool:
    """Tell whether pseudonymization keeps only the prefecture that the column's text begins with.

    Text that identifies by itself and is a quasi-identifier, too, is an address; `to_prefecture` is the only treatment
    that lets it leave, so nothing finer is needed after this stage (番地 は必ず落とす, NGMI guideline Ⅰ-3-3).
    """
    is_direct = ColumnClass.DIRECT_IDENTIFIER in column.classes
    return is_direct and column.role is ColumnRole.QUASI_IDENTIFIER and column.type is ColumnType.STRING


def shift_days(key: PseudonymKey, *, project: str, person: str, max_shift_days: int) -> int:
    """Return how many days the dates of one person move: uniform on -max … max but for a bias below 2⁻¹⁰⁰."""
    span = 2 * max_shift_days + 1
    drawn = int.from_bytes(key.digest("date-shift", project, person), "big")
    return drawn % span - max_shift_days


def key_domain(dataset: DatasetPolicy, policy: TablePolicy, column: Column) -> str:
    """Return the domain of the values of a key column: columns of one domain get one pseudonym for one value.

    Raises:
        PolicyError: A foreign key does not say what it refers to, or refers to something that is not a key.
    """
    seen: set[tuple[str, str]] = set()
    while column.role is ColumnRole.FOREIGN_KEY or (column.references and column.role is not ColumnRole.PERSON_KEY):
        parent, _, name = (column.references or "").partition(".")
        target = dataset.table(parent)
        found = target.column(name) if target else None
        if target is None or found is None or found.role not in _KEY_ROLES or (parent, name) in seen:
            raise PolicyError(
                "policy.foreign-key-without-target",
                what=f"key '{policy.name}.{column.name}' of dataset '{dataset.id}' does not refer to a key of it",
                why="its pseudonyms must agree with those of the column it refers to",
                fix="write `references: table.column` with a key column of this dataset",
            )
        seen.add((parent, name))
        policy, column = target, found
    if column.role is ColumnRole.PERSON_KEY:
        return "person"
    if column.role is ColumnRole.SAMPLE_KEY:
        return "sample"
    return f"{dataset.id}/{policy.name}.{column.name}"


def _replace_table(dataset: DatasetPolicy, table: AnyTable, key: PseudonymKey, max_shift_days: int) -> AnyTable:
    if isinstance(table, GenotypeTable):
        names = _pseudonyms(key, dataset.project, "sample", table.samples)
        return GenotypeTable(table.policy, table.sites, tuple(names[sample] for sample in table.samples))
    if isinstance(table, PersonTable | EventTable):
        rows = _without_identifiers(table)
        rows = _shift_dates(dataset, table, rows, key, max_shift_days)
        return type(table)(table.policy, _replace_keys(dataset, table.policy, rows, key))
    if isinstance(table, ReferenceTable):
        return table
    raise PolicyError(
        "policy.register-after-consent",
        what=f"table '{table.policy.name}' is a register",
        why="the register ends with the consent stage",
        fix="pass what `keep_consenting` returned",
    )


def _without_identifiers(table: PersonTable | EventTable) -> ibis.Table:
    declared = {column.name: column for column in table.policy.columns}
    undeclared = sorted(set(table.rows.columns) - set(declared))
    if undeclared:
        raise DataError(
            "data.undeclared-column",
            what=f"table '{table.policy.name}' has columns that its policy does not declare: {', '.join(undeclared)}",
            why="nobody decided what they are",
            fix="pass what `classify` accepted",
        )
    rows = table.rows.select([name for name in table.rows.columns if not is_dropped(declared[name])])
    for name in rows.columns:
        if is_coarsened(declared[name]):
            rows = replace_values(rows, name, {text: prefecture_of(text) for text in distinct_values(rows, name)})
    return rows


def _shift_dates(
    dataset: DatasetPolicy,
    table: PersonTable | EventTable,
    rows: ibis.Table,
    key: PseudonymKey,
    max_shift_days: int,
) -> ibis.Table:
    person = table.policy.person_key
    if person is None or count_nulls(rows, person):
        raise DataError(
            "data.null-person-key",
            what=f"table '{table.policy.name}' has rows without a person",
            why="they could be neither shifted nor withdrawn",
            fix="pass what `classify` accepted",
        )
    dates = [
        column.name
        for column in table.policy.columns
        if column.type in {ColumnType.DATE, ColumnType.TIMESTAMP} and column.name in rows.columns
    ]
    if not dates or max_shift_days == 0:
        return rows
    shifts = {
        value: shift_days(key, project=dataset.project, person=str(value), max_shift_days=max_shift_days)
        for value in distinct_values(rows, person)
    }
    return move_dates(rows, person, shifts, dates=dates)


def move_dates(rows: ibis.Table, person: str, shifts: Mapping[Any, int], *, dates: Iterable[str]) -> ibis.Table:
    """Move the columns `dates` of each row by the number of days that `shifts` gives for its `person`."""
    listed = set(dates)
    moved = attach_values(rows, person, shifts, output=_SHIFT, to_type=pa.int32())
    days = moved[_SHIFT].as_interval("D")
    columns = []
    for name in rows.columns:
        value = moved[name]
        if name in listed:
            # DuckDB makes a moment of a date plus an interval, whatever the expression's type says: cast both ways.
            added = value.cast("timestamp") + days
            value = (added.date() if value.type().is_date() else added.cast(value.type())).name(name)
        columns.append(value)
    return moved.select(columns)


def _replace_keys(dataset: DatasetPolicy, policy: TablePolicy, rows: ibis.Table, key: PseudonymKey) -> ibis.Table:
    for column in policy.columns:
        if column.role not in _KEY_ROLES or column.name not in rows.columns:
            continue
        domain = key_domain(dataset, policy, column)
        values = distinct_values(rows, column.name)
        names = _pseudonyms(key, dataset.project, domain, [str(value) for value in values])
        rows = replace_values(rows, column.name, {value: names[str(value)] for value in values})
    return rows


def person_pseudonyms(key: PseudonymKey, project: str, people: Sequence[str]) -> dict[str, str]:
    """Return the pseudonym of each person of a project, by the person's key in the source.

    For checks that ask whether somebody is in the data; the map lives as long as the check.
    """
    return _pseudonyms(key, project, "person", people)


def _pseudonyms(key: PseudonymKey, project: str, domain: str, values: Sequence[str]) -> dict[str, str]:
    digests = key.digests("pseudonym", project, domain, values=values)
    names = {value: digest[:PSEUDONYM_BYTES].hex() for value, digest in zip(values, digests, strict=True)}
    if len(set(names.values())) != len(names):
        raise DataError(
            "data.pseudonym-collision",
            what=f"two values of the key domain '{domain}' have one pseudonym",
            why="the rows of two people would become one person's",
            fix="make a new project key",
        )
    return names
