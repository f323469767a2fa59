"""A plain-Python brute force over the whole lattice: the oracle that the search is held against.

Rows, dictionaries, sets and fractions; nothing of the engine but `Hierarchy.labels`.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from anonymization.hierarchy import Hierarchy


@dataclass(frozen=True)
class OracleAnswer:
    """The best node by (loss, height, lexicographic order), and what it publishes."""

    node: tuple[int, ...]
    loss: float
    suppressed: int
    classes: int


def brute_force(
    rows: list[tuple[str | None, ...]],
    hierarchies: list[Hierarchy],
    *,
    k: int,
    limit: float,
    people: list[str] | None = None,
    sensitive: list[str | None] | None = None,
    l: int = 1,
    passes: Callable[[Sequence[str | None], Sequence[str | None]], bool] | None = None,
) -> OracleAnswer | None:
    """Check every node of the lattice; `passes` is a further model, of a class's sensitive values and the table's."""
    owners = people if people is not None else [str(i) for i in range(len(rows))]
    best: OracleAnswer | None = None
    for node in itertools.product(*(range(h.height) for h in hierarchies)):
        published = [tuple(publish(v, h, n) for v, h, n in zip(row, hierarchies, node, strict=True)) for row in rows]
        members: dict[tuple, set] = defaultdict(set)
        values: dict[tuple, set] = defaultdict(set)
        for i, labels in enumerate(published):
            members[labels].add(owners[i])
            if sensitive is not None and sensitive[i] is not None:
                values[labels].add(sensitive[i])
        good = {c for c in members if len(members[c]) >= k and (sensitive is None or len(values[c]) >= l)}
        if passes is not None and sensitive is not None:
            held: dict[tuple, list] = defaultdict(list)
            for i, labels in enumerate(published):
                held[labels].append(sensitive[i])
            good = {c for c in good if passes(held[c], sensitive)}
        kept = [i for i, labels in enumerate(published) if labels in good]
        suppressed = len(rows) - len(kept)
        if not kept or Fraction(suppressed) > Fraction(str(limit)) * len(rows):
            continue
        loss = loss_at(rows, hierarchies, node, set(kept))
        answer = OracleAnswer(node, loss, suppressed, len(good))
        if best is None or (loss, sum(node), node) < (best.loss, sum(best.node), best.node):
            best = answer
    return best


def publish(value: str | None, hierarchy: Hierarchy, level: int) -> str | None:
    """Return what is published for a value: its label; for a missing one nothing, and the root at the top."""
    if level == hierarchy.height - 1:
        return "*"
    return None if value is None else hierarchy.labels[level][hierarchy.leaves.index(value)]


def loss_at(
    rows: list[tuple[str | None, ...]], hierarchies: list[Hierarchy], node: tuple[int, ...], kept: set[int]
) -> float:
    """Return the loss by the formula of reference section 4, in fractions up to the cut."""
    n = len(rows)
    product = 1.0
    for j, hierarchy in enumerate(hierarchies):
        d = len(hierarchy.leaves)
        if d == 1:
            continue
        total = Fraction(0)
        for i, row in enumerate(rows):
            if i not in kept or node[j] == hierarchy.height - 1:
                total += 1
            elif row[j] is None:
                total += Fraction(1, d)
            else:
                label = publish(row[j], hierarchy, node[j])
                total += Fraction(sum(other == label for other in hierarchy.labels[node[j]]), d)
        share = max(Fraction(0), (total - Fraction(n, d)) / (n - Fraction(n, d)))
        product *= (1 + math.floor(share * 10**10) / 10**10) ** (1 / len(hierarchies))
    return product - 1
