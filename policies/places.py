"""A policy file as a tree that remembers where every key and value was written.

Belongs here: the tree and the way from keys to places. Does not: how the tree is read (`load`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from policies.errors import Place

Scalar: TypeAlias = str | int | float | bool | None
Key: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it starts; lines and columns count from 1."""

    line: int
    column: int
    value: "Scalar | tuple[Node, ...] | Mapping[str, Entry]"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping, where the key starts, and its value."""

    line: int
    column: int
    node: Node


@dataclass(frozen=True, slots=True)
class Found:
    """How far a path led: the node reached, where its key is, and the keys that were really there."""

    node: Node
    line: int
    column: int
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One policy file: its name as the user wrote it, and its tree."""

    file: str
    root: Node = field(repr=False)

    def find(self, keys: tuple[Key, ...]) -> Found:
        """Walk along `keys` as far as they lead; a key that is not there is stepped over.

        Stepping over serves two ends: pydantic puts the tag of a union into its locations, and a single operation may
        be written where a list of operations is allowed.
        """
        found = Found(self.root, self.root.line, self.root.column, ())
        for key in keys:
            value = found.node.value
            if isinstance(value, Mapping) and isinstance(key, str) and key in value:
                entry = value[key]
                found = Found(entry.node, entry.line, entry.column, (*found.keys, key))
            elif isinstance(value, tuple) and isinstance(key, int) and 0 <= key < len(value):
                item = value[key]
                found = Found(item, item.line, item.column, (*found.keys, key))
        return found

    def place(self, *keys: Key) -> Place:
        """Return where the key at the end of `keys` is written, or the item of a list, or the nearest thing above."""
        found = self.find(keys)
        return Place(self.file, found.line, found.column)


def plain(node: Node) -> object:
    """Return the value of a node as dicts, lists and scalars, without places."""
    if isinstance(node.value, Mapping):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(item) for item in node.value]
    return node.value
