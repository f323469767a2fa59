"""Every law that written rows of a hierarchy break, each with its line and level.

`Hierarchy` refuses at the first; here a person who mends a file is told all. No label is named: a file made from data
holds the values of people.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anonymization.hierarchy import ROOT
from policies.vocabulary import Labelled


class Law(Labelled):
    """What every hierarchy keeps; the last four are only told, for they harm nobody."""

    EMPTY = "empty", "行がない", "there are no rows"
    RAGGED = "ragged", "段の数がほかの行と違う", "the row has another number of levels than the others"
    DUPLICATE_LEAF = "duplicate_leaf", "同じ値の行がすでにある", "the value has a row already"
    NO_ROOT = "no_root", "最後の段が「*」でない", "the last level is not '*'"
    OTHER_ROOT = (
        "other_root",
        "最後の段が一つにまとまるが「*」でない(「*」の段を足す)",
        "the last level is one label, but not '*': add a level",
    )
    TWO_PARENTS = "two_parents", "同じ表示に二つの上位がある", "a label has a second parent"
    UNUSED_LEVEL = (
        "unused_level",
        "下の段と同じで、何もまとめない",
        "the level joins nothing that the one below does not",
    )
    EARLY_ROOT = "early_root", "最後でない段に「*」がある", "'*' stands before the last level"
    BLANK_LABEL = (
        "blank_label",
        "空の、または空白で始まるか終わる表示",
        "a label is empty, or begins or ends with a blank",
    )
    AMBIGUOUS_LABEL = (
        "ambiguous_label",
        "同じ表示が段によって違う値を指す",
        "a label stands for other values at another level",
    )

    @property
    def is_error(self) -> bool:
        """Whether rows that break it are no hierarchy."""
        return self in {Law.EMPTY, Law.RAGGED, Law.DUPLICATE_LEAF, Law.NO_ROOT, Law.OTHER_ROOT, Law.TWO_PARENTS}


@dataclass(frozen=True, slots=True)
class BrokenLaw:
    """A law that is broken: at which line of the file and which level; 0 and None where no single one is to blame.

    `other_line` is the line that it contradicts.
    """

    law: Law
    line: int = 0
    level: int | None = None
    other_line: int = 0


NumberedRow = tuple[int, Sequence[str]]
"""The line of a row in its file, and its fields: the value, then a label a level."""


def numbered_rows(text: str) -> list[NumberedRow]:
    """Read rows in the layout that ARX uses, with the lines they end at; blank lines are skipped."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";")
    return [(reader.line_num, row) for row in reader if row]


def broken_laws(rows: Sequence[NumberedRow]) -> tuple[BrokenLaw, ...]:
    """Return all laws that the rows break, by line; errors of whole levels come last."""
    if not rows:
        return (BrokenLaw(Law.EMPTY),)
    usual = Counter(len(fields) for _, fields in rows).most_common(1)[0][0]
    whole = [row for row in rows if len(row[1]) == usual]
    found = [BrokenLaw(Law.RAGGED, line) for line, fields in rows if len(fields) != usual]
    found += [*_leaves(whole), *_fields(whole), *_parents(whole)]
    by_line = sorted(found, key=lambda broken: (broken.line, broken.level or 0, broken.law.value))
    return (*by_line, *_levels(whole, usual))


def _leaves(rows: Sequence[NumberedRow]) -> Iterator[BrokenLaw]:
    first: dict[str, int] = {}
    for line, fields in rows:
        known = first.setdefault(fields[0], line)
        if known != line:
            yield BrokenLaw(Law.DUPLICATE_LEAF, line, 0, known)


def _fields(rows: Sequence[NumberedRow]) -> Iterator[BrokenLaw]:
    roots = {fields[-1] for _, fields in rows}
    if len(roots) == 1 and len(rows) > 1 and roots != {ROOT}:
        yield BrokenLaw(Law.OTHER_ROOT, level=len(rows[0][1]) - 1)
    for line, fields in rows:
        if fields[-1] != ROOT and (len(roots) > 1 or len(rows) == 1):
            yield BrokenLaw(Law.NO_ROOT, line, len(fields) - 1)
        for level, label in enumerate(fields[:-1]):
            if not label or label != label.strip():
                yield BrokenLaw(Law.BLANK_LABEL, line, level)
            elif label == ROOT:
                yield BrokenLaw(Law.EARLY_ROOT, line, level)


def _parents(rows: Sequence[NumberedRow]) -> Iterator[BrokenLaw]:
    parents: dict[tuple[int, str], tuple[str, int]] = {}
    for line, fields in rows:
        for level in range(1, len(fields) - 1):
            parent, first = parents.setdefault((level, fields[level]), (fields[level + 1], line))
            if parent != fields[level + 1]:
                yield BrokenLaw(Law.TWO_PARENTS, line, level, first)


def _levels(rows: Sequence[NumberedRow], height: int) -> Iterator[BrokenLaw]:
    for level in range(1, height - 1):
        classes = [{fields[at] for _, fields in rows} for at in (level - 1, level)]
        if len(classes[0]) == len(classes[1]) and len(classes[0]) > 1:
            yield BrokenLaw(Law.UNUSED_LEVEL, level=level)
    meanings: dict[str, set[str]] = {}
    told = set[str]()
    for level in range(height - 1):
        members: dict[str, set[str]] = {}
        for _, fields in rows:
            members.setdefault(fields[level], set()).add(fields[0])
        for label, leaves in members.items():
            known = meanings.setdefault(label, leaves)
            if not known <= leaves and label != ROOT and label not in told:
                told.add(label)
                yield BrokenLaw(Law.AMBIGUOUS_LABEL, level=level)
            meanings[label] = known | leaves
