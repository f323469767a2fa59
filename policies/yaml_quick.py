"""Plain policy files → tree, quickly: a reader of the few forms that policy files are written in.

It answers only for files in which every character is accounted for; for all others it answers None, and
`yaml_events` reads them anew, with every finding. So it decides nothing: tests hold it to the same tree, place by place,
for every file that it answers for, and to None for every file that is refused. See DECISIONS.md, record 2.

Read here: block mappings and lists, lists without indent, flow collections over lines, one-line plain and quoted
scalars without escapes, comments. Everything else is not.
"""

import re

from policies.places import Entry, Node, Scalar
from policies.subset import AMBIGUOUS, MAX_DEPTH, Ambiguous, meaning_of

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]{0,119}):(?: +(?![ #\n])|(?= *(?: #[^\n]*)?\n))")
_FLOW_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]{0,119}): +(?![ \n])")
_NAMED = frozenset({"true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL"})
_REST = re.compile(r"[^\n]*")
_END = re.compile(r"(?: +#[^\n]*| *)\n(?: *(?:#[^\n]*)?\n)*")
_BLANKS = re.compile(r"(?: *(?:#[^\n]*)?\n)*")
_SPACES = re.compile(r" *")
_DASH = re.compile(r"- +(?![ #\n])")
_SINGLE = re.compile(r"'((?:[^'\n]|'')*)'")
_DOUBLE = re.compile(r'"([^"\\\n]*)"')
_START = r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=[0-9]))"
_PLAIN_START = re.compile(_START)
_FLOW_PLAIN = re.compile(_START + r"(?:[^,\[\]{}:?#\n]|:(?=[A-Za-z0-9/_]))*(?=[,\]}])")
_COMMA = re.compile(r" *, *(?:\n *)*(?![ \n,\]}])")


class _NotPlainError(Exception):
    """This file needs the full reader."""


def read_quickly(text: str) -> Node | None:
    """Return the tree of a file that is written plainly, or None: then only the full reader may judge it.

    Args:
        text: The file, in which `subset.unseen_characters` found nothing.
    """
    if "\r" in text:
        return None
    try:
        return _Reader(text if text.endswith("\n") else text + "\n").document()
    except _NotPlainError:
        return None


class _Reader:
    """Where we are: `at` in the text, on `line` (from 1), which begins at `start`, indented by `indent` (-1: the end)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.start = 0
        self.indent = 0

    def document(self) -> Node:
        self._to_content(_BLANKS)
        if self.indent != 0:
            raise _NotPlainError
        node = self._mapping(0, 1)
        if self.indent != -1:
            raise _NotPlainError
        return node

    # Lines

    def _to_content(self, pattern: re.Pattern[str]) -> None:
        """Go behind the end of a line, blank lines and comments, to the first character of the next."""
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _NotPlainError
        end = found.end()
        self.line += self.text.count("\n", self.at, end)
        if end == len(self.text):
            self.indent = -1
            return
        self.start = end
        spaces = _SPACES.match(self.text, end)
        self.at = spaces.end() if spaces else end
        self.indent = self.at - end

    # Blocks

    def _mapping(self, indent: int, depth: int) -> Node:
        text, entries = self.text, {}
        line, column = self.line, indent + 1
        while True:
            found = _KEY.match(text, self.at)
            if found is None:
                raise _NotPlainError
            key, key_line = found[1], self.line
            if key in entries or key in _NAMED:
                raise _NotPlainError
            self.at = found.end()
            entries[key] = Entry(key_line, column, self._value(indent, depth + 1))
            if self.indent < indent:
                return Node(line, column, entries)
            if self.indent > indent:
                raise _NotPlainError

    def _value(self, indent: int, depth: int) -> Node:
        """Read what stands behind a key: on its line, or on the next lines."""
        end = _END.match(self.text, self.at)
        if end is None:
            return self._item(depth)
        self._to_content(_END)
        is_dash = self.text.startswith("- ", self.at)
        if self.indent > indent:
            return self._list(self.indent, depth) if is_dash else self._mapping_at(self.indent, depth)
        if self.indent == indent and is_dash:
            return self._list(indent, depth)
        raise _NotPlainError

    def _mapping_at(self, indent: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _NotPlainError
        return self._mapping(indent, depth)

    def _list(self, indent: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _NotPlainError
        text, items = self.text, []
        line = self.line
        while True:
            dash = _DASH.match(text, self.at)
            if dash is None:
                raise _NotPlainError
            self.at = dash.end()
            if _KEY.match(text, self.at):
                items.append(self._mapping_at(self.at - self.start, depth + 1))
            else:
                items.append(self._item(depth + 1))
            if self.indent < indent or (self.indent == indent and not text.startswith("- ", self.at)):
                return Node(line, indent + 1, tuple(items))
            if self.indent > indent:
                raise _NotPlainError

    def _item(self, depth: int) -> Node:
        """Read a value that begins on this line, and go to the next content."""
        character = self.text[self.at]
        if character in "{[\"'":
            node = self._flow(depth)
        else:
            node = Node(self.line, self.at - self.start + 1, self._plain(depth))
        self._to_content(_END)
        return node

    def _plain(self, depth: int) -> Scalar:
        found = _REST.match(self.text, self.at)
        if found is None or depth > MAX_DEPTH or not _PLAIN_START.match(self.text, self.at):
            raise _NotPlainError
        words = found[0]
        comment = words.find(" #")
        if comment >= 0:
            words = words[:comment]
        words = words.rstrip(" ")
        if ": " in words or words.endswith(":"):
            raise _NotPlainError
        self.at += len(words)
        return _certain(meaning_of(words))

    # Flow collections

    def _flow(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _NotPlainError
        line, column, character = self.line, self.at - self.start + 1, self.text[self.at]
        if character == "{":
            return Node(line, column, self._pairs(depth + 1))
        if character == "[":
            return Node(line, column, self._items(depth + 1))
        if character in "\"'":
            found = (_DOUBLE if character == '"' else _SINGLE).match(self.text, self.at)
            if found is None:
                raise _NotPlainError
            self.at = found.end()
            return Node(line, column, found[1] if character == '"' else found[1].replace("''", "'"))
        found = _FLOW_PLAIN.match(self.text, self.at)
        if found is None:
            raise _NotPlainError
        self.at = found.end()
        return Node(line, column, _certain(meaning_of(found[0].rstrip(" "))))

    def _pairs(self, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        self.at += 1
        while not self._is_closed("}", is_first=not entries):
            found = _FLOW_KEY.match(self.text, self.at)
            if found is None or found[1] in entries or found[1] in _NAMED:
                raise _NotPlainError
            line, column = self.line, self.at - self.start + 1
            self.at = found.end()
            entries[found[1]] = Entry(line, column, self._flow(depth))
        return entries

    def _items(self, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        self.at += 1
        while not self._is_closed("]", is_first=not items):
            if _FLOW_KEY.match(self.text, self.at):
                raise _NotPlainError
            items.append(self._flow(depth))
        return tuple(items)

    def _is_closed(self, closing: str, *, is_first: bool) -> bool:
        """Go behind the bracket, or behind the comma to the next item; a comma may end a line."""
        text, at = self.text, self.at
        if text[at] == closing:
            self.at = at + 1
            return True
        if is_first:
            return False
        found = _COMMA.match(text, at)
        if found is None:
            raise _NotPlainError
        self.at = found.end()
        lines = text.count("\n", at, self.at)
        if lines:
            self.line += lines
            self.start = text.rfind("\n", at, self.at) + 1
            if self.at == self.start:
                raise _NotPlainError
        return False


def _certain(meaning: Scalar | Ambiguous) -> Scalar:
    if meaning is AMBIGUOUS:
        raise _NotPlainError
    return meaning
