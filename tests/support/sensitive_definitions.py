"""The models of sensitive values by their papers' definitions, in plain Python: the oracle of search and recount.

A rule says of a class's values, given the whole table's, whether the class meets the model; None is a missing value.
The transport problem is solved as such (`transport`), and on trees by the flow through each edge (`tree_distance`).
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction

from anonymization.hierarchy import hierarchy_from_rows
from anonymization.sensitive_models import AskedModel, TreeCloseness
from policies.model.sensitive import (
    Closeness,
    Disclosure,
    DistinctL,
    EntropyL,
    Likeness,
    PositiveRecursiveL,
    RecursiveL,
    ValueShare,
)

Values = Sequence[str | None]
Rule = Callable[[Values, Values], bool]

LABELS = ("1", "2", "3", "10")
"""Numbers, so that their order by value is not that of their text."""
TREE = hierarchy_from_rows("s", [["1", "low", "*"], ["2", "low", "*"], ["3", "high", "*"], ["10", "high", "*"]])


def shares(values: Values) -> dict[str | None, Fraction]:
    return {value: Fraction(number, len(values)) for value, number in Counter(values).items()}


def known(values: Values) -> list[int]:
    return sorted((number for value, number in Counter(values).items() if value is not None), reverse=True)


def distinct(model: DistinctL) -> Rule:
    return lambda one, _: len(known(one)) >= model.l


def entropy(model: EntropyL) -> Rule:
    def holds(one: Values, _: Values) -> bool:
        numbers, total = known(one), sum(known(one))
        return total > 0 and -sum(n / total * math.log(n / total) for n in numbers) >= math.log(model.l) - 1e-9

    return holds


def recursive(model: RecursiveL) -> Rule:
    c = Fraction(str(model.c))
    return lambda one, _: bool(known(one)) and known(one)[0] < c * sum(known(one)[model.l - 1 :])


def positive(model: PositiveRecursiveL) -> Rule:
    """By the attacker: for every protected value, whichever l - 2 others are excluded."""
    c = Fraction(str(model.c))

    def holds(one: Values, _: Values) -> bool:
        counts = Counter(value for value in one if value is not None)
        for value in counts.keys() - set(model.disclosable):
            others = [number for other, number in counts.items() if other != value]
            out = min(model.l - 2, len(others))
            if any(counts[value] >= c * (sum(others) - sum(gone)) for gone in itertools.combinations(others, out)):
                return False
        return True

    return holds


def share(model: ValueShare) -> Rule:
    limit = Fraction(str(model.alpha))
    return lambda one, _: not known(one) or Fraction(known(one)[0], len(one)) <= limit


def likeness(model: Likeness) -> Rule:
    def holds(one: Values, table: Values) -> bool:
        q = shares(table)
        limit = {v: min(model.beta, -math.log(q[v])) if model.enhanced else model.beta for v in q}
        return all((p - q[v]) / q[v] <= limit[v] + 1e-9 for v, p in shares(one).items())

    return holds


def disclosure(model: Disclosure) -> Rule:
    def holds(one: Values, table: Values) -> bool:
        p, q = shares(one), shares(table)
        return all(v in p and abs(math.log(p[v] / q[v])) < model.delta - 1e-9 for v in q)

    return holds


def equal(a: str | None, b: str | None) -> Fraction:
    return Fraction(a != b)


def ordered(a: str | None, b: str | None) -> Fraction:
    if a is None and b is None:
        return Fraction(0)
    if a is None or b is None:
        place = LABELS.index(a if a is not None else b)  # type: ignore[arg-type]
        return Fraction(1, 2) + abs(Fraction(place, len(LABELS) - 1) - Fraction(1, 2))
    return Fraction(abs(LABELS.index(a) - LABELS.index(b)), len(LABELS) - 1)


def tree(a: str | None, b: str | None) -> Fraction:
    if a is None or b is None or a == b:
        return Fraction(a != b)
    return Fraction(1, 2) if LABELS.index(a) // 2 == LABELS.index(b) // 2 else Fraction(1)


GROUNDS = {"equal": equal, "ordered": ordered, "hierarchical": tree}


def transport(one: Values, table: Values, ground: Callable[[str | None, str | None], Fraction]) -> float:
    """The earth mover's distance as what it is: the cheapest transport, by linear programming."""
    from scipy.optimize import linprog

    p, q = shares(one), shares(table)
    pairs = list(itertools.product(p, q))
    rows = [[1 if a == value else 0 for a, _ in pairs] for value in p]
    rows += [[1 if b == value else 0 for _, b in pairs] for value in q]
    masses = [float(mass) for mass in (*p.values(), *q.values())]
    return float(linprog([float(ground(a, b)) for a, b in pairs], A_eq=rows, b_eq=masses, method="highs").fun)


def quick_distance(one: Values, table: Values, distance: str) -> Fraction:
    """The same by closed forms, in fractions."""
    p, q = shares(one), shares(table)
    extra = {value: p.get(value, Fraction(0)) - q.get(value, Fraction(0)) for value in {*p, *q}}
    if distance == "equal":
        return sum((abs(each) for each in extra.values()), Fraction(0)) / 2
    if distance == "ordered":
        # Four values: of the three gaps, a missing value hangs off the middle of the second.
        first, second, third, _ = itertools.accumulate(extra.get(value, Fraction(0)) for value in LABELS)
        d = extra.get(None, Fraction(0))
        return (abs(first) + (abs(second) + abs(second + d)) / 2 + abs(third + d)) / 3 + abs(d) / 2
    # Through every edge of the tree flows what its subtree has too much; leaves are half a unit from the root.
    pairs = [extra.get(a, Fraction(0)) + extra.get(b, Fraction(0)) for a, b in (LABELS[:2], LABELS[2:])]
    inner = sum((abs(extra.get(value, Fraction(0))) for value in LABELS), Fraction(0)) / 4
    return inner + sum((abs(each) for each in pairs), Fraction(0)) / 4 + abs(extra.get(None, Fraction(0))) / 2


def closeness(model: Closeness) -> Rule:
    return lambda one, table: quick_distance(one, table, model.distance) <= Fraction(str(model.t)) + Fraction(1, 10**9)


def rule_of(model: AskedModel) -> Rule:
    """Return the definition of a model; all of its column's values must be among `LABELS`."""
    record = model.model if isinstance(model, TreeCloseness) else model
    match record:
        case DistinctL():
            return distinct(record)
        case EntropyL():
            return entropy(record)
        case RecursiveL():
            return recursive(record)
        case PositiveRecursiveL():
            return positive(record)
        case ValueShare():
            return share(record)
        case Likeness():
            return likeness(record)
        case Disclosure():
            return disclosure(record)
        case Closeness():
            return closeness(record)


def asked(column: str = "s") -> dict[str, AskedModel]:
    """Return one of each model on a column, loose enough to be met by some classes and missed by others."""
    close = {"model": "t_closeness", "column": column}
    in_tree = Closeness(**close, t=0.25, distance="hierarchical", hierarchy="s")
    return {
        "distinct": DistinctL(column=column, l=2),
        "entropy": EntropyL(model="entropy_l", column=column, l=2),
        "recursive": RecursiveL(model="recursive_l", column=column, c=1.5, l=2),
        "positive": PositiveRecursiveL(
            model="positive_recursive_l", column=column, c=1.2, l=3, disclosable=(LABELS[1], LABELS[3])
        ),
        "t-equal": Closeness(**close, t=0.3),
        "t-listed": Closeness(**close, t=0.2, distance="ordered", order=LABELS),
        "t-numeric": Closeness(**close, t=0.2, distance="ordered", order="numeric"),
        "t-tree": TreeCloseness(in_tree, TREE),
        "alpha": ValueShare(model="alpha_share", column=column, alpha=0.5),
        "beta": Likeness(model="beta_likeness", column=column, beta=0.9),
        "beta-basic": Likeness(model="beta_likeness", column=column, beta=0.9, enhanced=False),
        "delta": Disclosure(model="delta_disclosure", column=column, delta=1.2),
    }
