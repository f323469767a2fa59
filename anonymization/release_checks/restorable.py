"""Whether anything that could undo a protection is written beside the data (rules APPI-18, APPI-26, DP-05; V15).

Restorable (復元可能) are keys, date shifts, swap maps, seeds, noise and maps of pseudonyms: 加工方法等情報 in the sense of APPI
Rules 35(i). What may be published, and is: hierarchies, levels, k, scales of noise.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from anonymization.evidence import CheckResult, rule_check

_NAMES = re.compile(
    r"(^|[^a-z])(seeds?|rng_?state|noise_?(values?|drawn)|(date_?)?(offset|shift)s?(_?(days|map|of))?|swap_?map|"
    r"(pseudonym|id|code|linkage)_?(map|table|list)s?|hmac_?key|secrets?|salts?|private_?key|key_?bytes)$"
)
_MAY_BE_SAID = frozenset({"max_shift_days"})
"""A bound that policies publish: it says how far dates move at most, not how far one moved."""


def is_restorable(name: str) -> bool:
    """Return whether a name says that the thing could undo a protection."""
    plain = name.lower().replace("-", "_").replace(" ", "_")
    return plain not in _MAY_BE_SAID and _NAMES.search(plain) is not None


def restorable_checks(
    bodies: Mapping[str, object], tables: Mapping[str, pa.Schema], *, secrets: Iterable[bytes] = ()
) -> tuple[CheckResult, ...]:
    """Look for restorable information in documents that stay with a release, and in its columns.

    Args:
        bodies: JSON values by name: evidence, manifest, dictionary.
        tables: The columns of the tables that leave.
        secrets: Keys of the deployment; none of them may appear, in hexadecimal digits, in a document.
    """
    named = sum(is_restorable(key) for body in bodies.values() for key in _keys(body))
    hexadecimal = [secret.hex() for secret in secrets]
    shown = sum(key in text for body in bodies.values() for text in _texts(body) for key in hexadecimal)
    columns = sum(
        is_restorable(name) or name.startswith("__niji") for schema in tables.values() for name in schema.names
    )
    what = "no key, seed, shift, noise or map of ids is beside the data"
    measured = {"documents": len(bodies), "tables": len(tables), "keys_looked_for": len(hexadecimal)}
    wrong = named + shown + columns
    return tuple(
        rule_check(rule, f"restorable.{rule}", wrong, what, measured) for rule in ("APPI-18", "APPI-26", "DP-05")
    )


def _keys(body: object) -> Iterator[str]:
    if isinstance(body, Mapping):
        for key, value in body.items():
            yield str(key)
            yield from _keys(value)
    elif isinstance(body, list | tuple):
        for value in body:
            yield from _keys(value)


def _texts(body: Any) -> Iterator[str]:
    if isinstance(body, Mapping):
        for value in body.values():
            yield from _texts(value)
    elif isinstance(body, list | tuple):
        for value in body:
            yield from _texts(value)
    elif isinstance(body, str):
        yield body.lower()
