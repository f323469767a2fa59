"""Codes and dates by their papers' definitions, in plain Python over all subsets; an oracle that shares nothing with the engine."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import combinations, product

Tree = Mapping[str, Sequence[str]]
"""A code → its labels from itself to the last below the root."""


def supports(sets: Sequence[Set[str]], people: Sequence[int], m: int) -> dict[tuple[str, ...], set[int]]:
    """Return each combination of up to m labels that a record holds → the people who have it."""
    found: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for held, person in zip(sets, people, strict=True):
        for size in range(1, m + 1):
            for combination in combinations(sorted(held), size):
                found[combination].add(person)
    return found


def is_km(sets: Sequence[Set[str]], people: Sequence[int], *, k: int, m: int) -> bool:
    return all(len(held) >= k for held in supports(sets, people, m).values())


def confidence(sets: Sequence[Set[str]], sensitive: Sequence[bool], m: int) -> float:
    """Return the largest share of records with the sensitive value among those with a combination of up to m labels."""
    worst = 0.0
    for size in range(m + 1):
        known = {each for held in sets for each in combinations(sorted(held), size)}
        for combination in known:
            having = [is_so for held, is_so in zip(sets, sensitive, strict=True) if set(combination) <= set(held)]
            worst = max(worst, sum(having) / len(having))
    return worst


def cuts(tree: Tree) -> Iterator[dict[str, str]]:
    """Yield every full-subtree recoding: each code → a label, and all codes below a label in use become it."""
    codes = sorted(tree)
    for chosen in product(*(tree[code] for code in codes)):
        recoded = dict(zip(codes, chosen, strict=True))
        used = set(chosen)
        if all(recoded[code] == label for label in used for code in codes if label in tree[code]):
            yield recoded


def cheapest(
    records: Sequence[Set[str]], people: Sequence[int], tree: Tree, *, k: int, m: int, limit: int
) -> float | None:
    """Return the least cost of a cut and a set of suppressed labels that is kᵐ-anonymous; None if there is none."""
    best: float | None = None
    below = {label: sum(label in path for path in tree.values()) for path in tree.values() for label in path}
    for recoded in cuts(tree):
        labels = sorted(set(recoded.values()))
        for gone in (set(some) for size in range(len(labels) + 1) for some in combinations(labels, size)):
            entries = [recoded[code] for held in records for code in held]
            if sum(label in gone for label in entries) > limit:
                continue
            cost = sum(1.0 if label in gone else (below[label] - 1) / (len(tree) - 1) for label in entries)
            sets = [{recoded[code] for code in held} - gone for held in records]
            if (best is None or cost < best) and is_km(sets, people, k=k, m=m):
                best = cost
    return best


def mean_uniqueness(sets: Sequence[Set[str]], people: Sequence[int], points: int) -> float:
    """Return the mean, over records with a point, of the share of their combinations that no other person has."""
    shares = []
    for held in sets:
        if held:
            known = list(combinations(sorted(held), min(points, len(held))))
            alone = sum(
                len({person for other, person in zip(sets, people, strict=True) if set(each) <= set(other)}) == 1
                for each in known
            )
            shares.append(alone / len(known))
    return sum(shares) / len(shares) if shares else 0.0
