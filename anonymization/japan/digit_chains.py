"""Digits in text: runs, and groups parted by blanks or marks, as candidates for numbered identifiers.

Belongs here: cutting normalized texts into candidates, with what stands around them. Not here: what a candidate is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, product

import numpy as np
import pyarrow as pa

from anonymization.japan.identifier_labels import ANY_LABEL, LABEL_REACH, label_after, label_before
from anonymization.japan.number_forms import MAX_DIGITS, NUMBER_FORMS, Shape
from anonymization.japan.text_forms import matches
from policies.model.scan import IdentifierKind

_SEPARATOR = r"(?:\s?[-./・_|:,]\s?|\s{1,2})"
_MAYBE = rf"[0-9](?:{_SEPARATOR}?[0-9]){{5}}"
# NUL stands between texts; no separator matches it, so a chain never runs from one text into the next.
_CHAIN = re.compile(rf"[0-9]+(?:{_SEPARATOR}[0-9]+)*")
_GROUP = re.compile("[0-9]+")
_WORD_BEFORE = re.compile("[0-9A-Za-z]*$")
_WORD_AFTER = re.compile("[0-9A-Za-z]*")
_HEX = re.compile(r"(?=.*[A-Fa-f])[0-9A-Fa-f]{16,}")
# One in 3,000 random UUIDs ends in twelve digits with a right check digit.
_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_PREFIX = re.compile(r"\s*(?:[A-Za-z]{1,4}[-_ ]?)?")
_SHAPES = frozenset(shape for form in NUMBER_FORMS for shape in form.shapes)
_BEGINNINGS = frozenset(shape[:length] for shape in _SHAPES for length in range(1, len(shape) + 1))
_PREFIX_REACH = 8
_INSIDE = frozenset(shape for form in NUMBER_FORMS for shape in form.inside)
_BY_SHAPE = frozenset(shape for form in NUMBER_FORMS if form.scheme is None for shape in form.inside)
# Fewer digits with their separators are no number that speaks for itself in running text.
_SHORTEST_RUN = min(sum(shape) for shape in _INSIDE)
_DATES = frozenset(product((2, 4), (1, 2), (1, 2)))
_ALIKE_ONLY = frozenset(shape for shape in _SHAPES if len(shape) > 1 and max(shape) < 4)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Digits that may be an identifier.

    `text` is the number of the text; `digits` the digits without separators; `shape` how they are grouped. `label` is the
    kind that words beside it name. `is_alone`: the text holds nothing else, but perhaps a prefix of letters. `is_free`:
    not a part of a longer chain, a decimal fraction, a dotted or hexadecimal identifier.
    """

    text: int
    digits: str
    shape: Shape
    label: IdentifierKind | None
    is_alone: bool
    is_free: bool

    def at(self, text: int) -> "Candidate":
        """Return the same candidate of another text's number."""
        return replace(self, text=text)


def candidates(texts: pa.Array) -> Iterator[Candidate]:
    """Yield the candidates of normalized texts, text by text.

    Groups count together if the same mark stands between them (for groups of four or more, any marks), or if a label stands
    before the first.
    """
    has_label = matches(texts, ANY_LABEL) & matches(texts, "[0-9]")
    where = np.flatnonzero(matches(texts, _MAYBE) | has_label)
    listed = texts.take(pa.array(where)).to_pylist()
    joined = "\x00".join(listed)
    starts = [0, *accumulate(len(text) + 1 for text in listed)]
    if "-" in joined:
        joined = _UUID.sub(lambda found: "\n" * len(found[0]), joined)
    labelled = has_label[where].tolist()
    numbers = where.tolist()
    number = 0
    for match in _CHAIN.finditer(joined):
        start, end = match.span()
        while start >= starts[number + 1]:
            number += 1
        if not labelled[number] and end - start < _SHORTEST_RUN and joined[starts[number]] > "z":
            continue  # Neither a label nor a whole cell nor long enough to speak for itself: most of all chains.
        chain = _Chain(joined, start, end, starts[number], starts[number + 1] - 1)
        yield from _windows(chain, numbers[number], has_label=labelled[number])


@dataclass(frozen=True, slots=True)
class _Chain:
    """A chain in the joined texts, and where its own text begins and ends."""

    joined: str
    start: int
    end: int
    text_start: int
    text_end: int

    def labels(self) -> tuple[IdentifierKind | None, IdentifierKind | None]:
        """Return what the words before the chain and the words after it name."""
        begin = max(self.text_start, self.start - LABEL_REACH)
        text = self.joined[begin : min(self.text_end, self.end + LABEL_REACH)]
        return label_before(text, self.start - begin), label_after(text, self.end - begin)

    def is_alone(self) -> bool:
        if self.start - self.text_start > _PREFIX_REACH or self.text_end - self.end > _PREFIX_REACH:
            return False
        before = self.joined[self.text_start : self.start]
        return bool(_PREFIX.fullmatch(before)) and not self.joined[self.end : self.text_end].strip()

    def is_hexadecimal(self, start: int, end: int) -> bool:
        before = _WORD_BEFORE.search(self.joined, max(self.text_start, start - 40), start)
        after = _WORD_AFTER.match(self.joined, end, min(self.text_end, end + 40))
        word = (before[0] if before else "") + self.joined[start:end] + (after[0] if after else "")
        return bool(_HEX.fullmatch(word))

    def is_led_by_mark(self) -> bool:
        """A dot leads a fraction, a plus an international telephone number."""
        return self.start > self.text_start and self.joined[self.start - 1] in ".+"


def _windows(chain: _Chain, text: int, *, has_label: bool) -> Iterator[Candidate]:
    groups = [(group.start(), group.end()) for group in _GROUP.finditer(chain.joined, chain.start, chain.end)]
    before, after = chain.labels() if has_label else (None, None)
    is_alone = chain.is_alone()
    for first in range(len(groups)):
        shape: Shape = ()
        for last in range(first, min(len(groups), first + MAX_DIGITS)):
            shape = (*shape, groups[last][1] - groups[last][0])
            if sum(shape) > MAX_DIGITS or (shape not in _BEGINNINGS and before is None and after is None):
                break
            is_whole = first == 0 and last == len(groups) - 1
            label = (before if first == 0 else None) or (after if last == len(groups) - 1 else None)
            speaks = shape in _INSIDE or (is_alone and is_whole and shape in _SHAPES)
            if not speaks and (label is None or shape in _DATES):
                continue
            digits = "".join(chain.joined[start:end] for start, end in groups[first : last + 1])
            yield Candidate(text, digits, shape, label, is_alone and is_whole, _is_free(chain, groups, first, last))


def _is_free(chain: _Chain, groups: list[tuple[int, int]], first: int, last: int) -> bool:
    marks = [chain.joined[groups[at][1] : groups[at + 1][0]] for at in range(first, last)]
    before = chain.joined[groups[first - 1][1] : groups[first][0]] if first else ""
    after = chain.joined[groups[last][1] : groups[last + 1][0]] if last + 1 < len(groups) else ""
    if not marks:
        return _is_free_run(chain, groups[first], before, after)
    shape = tuple(end - start for start, end in groups[first : last + 1])
    if len(set(marks)) > 1 and (shape in _ALIKE_ONLY or any(mark in ".:" for mark in map(str.strip, marks) if mark)):
        return False
    # A longer chain of the same mark is a payment card or a timestamp; blanks part the numbers of a row, unless the grouping
    # is all that speaks for the number.
    return not any((mark.strip() or shape in _BY_SHAPE) and mark in marks for mark in (before, after))


def _is_free_run(chain: _Chain, group: tuple[int, int], before: str, after: str) -> bool:
    if before == "." or after == "." or (not before and chain.is_led_by_mark()):
        return False
    return not chain.is_hexadecimal(*group)
