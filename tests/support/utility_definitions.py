"""The utility measures by their papers, row by row over plain lists: slow, and nothing of the product in them.

A row is `(source values, labels or None)`. `covers[j](label)` gives the values under a label of column j.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product

Value = str | None
Row = tuple[tuple[Value, ...], tuple[Value, ...] | None]
Covers = Callable[[Value], frozenset[Value]]


def ambiguity(rows: Sequence[Row], covers: Sequence[Covers], domains: Sequence[frozenset[Value]]) -> float:
    sizes = [
        math.prod(len(domains[j]) if labels is None else len(covers[j](labels[j])) for j in range(len(domains)))
        for _, labels in rows
    ]
    return sum(sizes) / len(rows)


def discernibility(rows: Sequence[Row]) -> int:
    """Bayardo & Agrawal, counted pair by pair: a row costs each row it cannot be told from."""
    return sum(
        len(rows) if labels is None else sum(labels == other for _, other in rows) for _, labels in rows
    )  # fmt: skip


def divergence(rows: Sequence[Row], covers: Sequence[Covers], domains: Sequence[frozenset[Value]]) -> float:
    """Kifer & Gehrke, for classes that do not overlap: sum of p log2 (p / q) over the source tuples."""
    expected: Counter[tuple[Value, ...]] = Counter()
    for _, labels in rows:
        sets = domains if labels is None else [covers[j](labels[j]) for j in range(len(domains))]
        for cell in product(*sets):
            expected[cell] += 1 / math.prod(map(len, sets))  # type: ignore[assignment]
    source = Counter(values for values, _ in rows)
    return sum(n / len(rows) * math.log2(n / expected[cell]) for cell, n in source.items())


def count_query(
    rows: Sequence[Row], covers: Sequence[Covers], wanted: Sequence[frozenset[Value] | None]
) -> tuple[int, float]:
    """What a conjunction counts before, and after by spreading each row evenly under its labels."""
    before = sum(all(one is None or values[j] in one for j, one in enumerate(wanted)) for values, _ in rows)
    after = 0.0
    for _, labels in rows:
        if labels is not None:
            after += math.prod(
                1.0 if one is None else len(one & covers[j](labels[j])) / len(covers[j](labels[j]))
                for j, one in enumerate(wanted)
            )
    return before, after


def marginal(
    rows: Sequence[Row], covers: Sequence[Covers], domain: Sequence[frozenset[Value]], of: Sequence[int]
) -> float:
    """The total variation of the columns `of`, each side as shares of its own rows."""
    kept = [labels for _, labels in rows if labels is not None]
    distance = 0.0
    for cell in product(*(domain[j] for j in of)):
        before = sum(tuple(values[j] for j in of) == cell for values, _ in rows) / len(rows)
        after = sum(
            math.prod((value in covers[j](labels[j])) / len(covers[j](labels[j])) for j, value in zip(of, cell, strict=True))
            for labels in kept
        ) / len(kept)  # fmt: skip
        distance += abs(before - after) / 2
    return distance


def entropy_of_column(pairs: Sequence[tuple[Value, Value]], general: Callable[[Value], Value]) -> float:
    """De Waal & Willenborg, with Prasser's step for suppression: (value, label or "suppressed"), one level for the rest."""
    values, labels = Counter(v for v, _ in pairs), Counter(general(v) for v, _ in pairs)
    gone = Counter(general(v) for v, label in pairs if label == "suppressed")
    lost = -sum(math.log2(values[v] / labels[general(v)]) for v, _ in pairs)
    lost -= sum(math.log2(gone[general(v)] / gone.total()) for v, label in pairs if label == "suppressed")
    most = -sum(math.log2(values[v] / len(pairs)) for v, _ in pairs)
    return lost / most if most else 0.0
