"""Write the table of `anonymization.japan.postal_areas` from Japan Post's file of all postal codes.

Run: python -m tests.support.postal_areas utf_ken_all.zip
"""

import csv
import io
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

SHORTEST = 3
"""No area is told by fewer digits, so that digits which Japan Post has not assigned are in none."""


def postal_codes(path: Path) -> dict[str, set[str]]:
    """The prefectures of each postal code; three codes of the edition of 2026-05-29 lie in two."""
    with zipfile.ZipFile(path) as packed, packed.open(packed.namelist()[0]) as stream:
        found: dict[str, set[str]] = defaultdict(set)
        for row in csv.reader(io.TextIOWrapper(stream, "utf-8")):
            found[row[2]].add(row[0][:2])
    return dict(found)


def leading_digits(codes: dict[str, set[str]]) -> dict[str, list[str]]:
    """By prefecture, the shortest leading digits that tell it."""
    found: dict[str, list[str]] = defaultdict(list)
    for prefix, prefectures in _told("", sorted(codes), codes):
        for prefecture in prefectures:
            found[prefecture].append(prefix)
    return {
        prefecture: sorted(found[prefecture], key=lambda digits: (len(digits), digits)) for prefecture in sorted(found)
    }


def _told(prefix: str, codes: list[str], every: dict[str, set[str]]) -> Iterator[tuple[str, set[str]]]:
    prefectures = set().union(*(every[code] for code in codes))
    if len(prefix) == 7 or (len(prefectures) == 1 and len(prefix) >= SHORTEST):
        yield prefix, prefectures
        return
    below: dict[str, list[str]] = defaultdict(list)
    for code in codes:
        below[code[: len(prefix) + 1]].append(code)
    for longer in sorted(below):
        yield from _told(longer, below[longer], every)


def as_spans(digits: list[str]) -> str:
    """Neighbours of one length as `first-last`."""
    spans: list[list[str]] = []
    for each in digits:
        if spans and len(spans[-1][-1]) == len(each) and int(each) == int(spans[-1][-1]) + 1:
            spans[-1].append(each)
        else:
            spans.append([each])
    return " ".join(span[0] if len(span) == 1 else f"{span[0]}-{span[-1]}" for span in spans)


if __name__ == "__main__":
    for prefecture, digits in leading_digits(postal_codes(Path(sys.argv[1]))).items():
        print(f'    "{prefecture}": "{as_spans(digits)}",')
