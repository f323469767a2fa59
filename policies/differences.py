"""Where two policies differ, as keys with the old and the new value; what that means is said in `compare`.

Belongs here: walking two plain forms side by side. Lists of records are matched by what names a record, so that a column that
moved is not a column that went and another that came.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Missing(Enum):
    """Stands for what one of the two does not have."""

    MISSING = "missing"


MISSING = Missing.MISSING


class Item(str):
    """A key that is the name of a record in a list, not a key of a file."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The keys that lead to a value, and what it was and is; MISSING for what was added or removed."""

    keys: tuple[str, ...]
    old: Any
    new: Any

    @property
    def pattern(self) -> tuple[str, ...]:
        """The keys with `*` for every named record."""
        return tuple("*" if isinstance(key, Item) else key for key in self.keys)

    @property
    def is_order(self) -> bool:
        """Whether only the order of a list differs."""
        lists = isinstance(self.old, list) and isinstance(self.new, list)
        return lists and sorted(map(_text, self.old)) == sorted(map(_text, self.new))


_WHOLE = frozenset({"treat"})
"""Lists that mean something only as a whole."""
_UNIONS: Mapping[str, str] = {"method": "kind", "levels": "kind", "source": "format"}
"""Records that are another thing altogether when this key of theirs differs."""
_NAMES: Sequence[tuple[str, ...]] = (
    ("dataset", "table"),
    ("model", "column"),
    ("id",),
    ("name",),
    ("column",),
    ("what",),
    ("measure",),
    ("model",),
)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield where two plain mappings (`model_dump(mode="json", by_alias=True)`, or JSON) differ, in the order of keys.

    Guarantee: equal mappings yield nothing; unequal ones yield at least one difference.
    """
    yield from _mapping((), old, new)


def _mapping(keys: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key), new.get(key)
        yield from _value((*keys, key), before, after)


def _value(keys: tuple[str, ...], old: Any, new: Any) -> Iterator[Difference]:
    if _text(old) == _text(new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not _is_whole(keys, old, new):
        yield from _mapping(keys, old, new)
    elif isinstance(old, list) and isinstance(new, list) and keys[-1] not in _WHOLE:
        yield from _list(keys, old, new)
    else:
        yield Difference(keys, MISSING if old is None else old, MISSING if new is None else new)


def _is_whole(keys: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether two records are compared as one value: texts, and unions of which the kind differs."""
    is_words = old.keys() | new.keys() == {"ja", "en"}
    kind = _UNIONS.get(keys[-1])
    return is_words or (kind is not None and old.get(kind) != new.get(kind))


def _list(keys: tuple[str, ...], old: list[Any], new: list[Any]) -> Iterator[Difference]:
    fields = next((each for each in _NAMES if _is_named_by(each, old) and _is_named_by(each, new)), ())
    before, after = _named(old, fields), _named(new, fields)
    is_silent = True
    for name in dict.fromkeys((*before, *after)):
        first, second = before.get(name, MISSING), after.get(name, MISSING)
        found = (
            [Difference((*keys, Item(name)), first, second)]
            if first is MISSING or second is MISSING
            else list(_value((*keys, Item(name)), first, second))
        )
        is_silent = is_silent and not found
        yield from found
    if is_silent:
        yield Difference(keys, old, new)


def _is_named_by(fields: tuple[str, ...], items: Sequence[Any]) -> bool:
    """Return whether every item is a record that has these fields, and no two have the same in them."""
    if not all(isinstance(item, Mapping) and item.keys() >= set(fields) for item in items):
        return False
    return len({_name(item, fields) for item in items}) == len(items)


def _named(items: Sequence[Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return the items by what names them; by what they are where nothing does."""
    if fields:
        return {_name(item, fields): item for item in items}
    return {item if isinstance(item, str) else _text(item): item for item in items}


def _name(item: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    return ".".join(str(item[field]) for field in fields)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
