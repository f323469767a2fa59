"""Codes of people as a set-valued attribute: published so that nobody can be found, or learned of, by a few known codes.

Here: the whole of it for arrays; `details` brings the tables. What the attacker knows is `Knowledge`: up to that many codes of a record,
and, if asked class by class, the record's quasi-identifiers beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from anonymization.events.cells import best_with_cells
from anonymization.events.code_tree import TOP, CodeTree, IntArray
from anonymization.events.combinations import Knowledge, offences
from anonymization.events.cuts import CodeProblem, Recoded, exact_cut
from anonymization.events.greedy_cuts import greedy_cut
from anonymization.events.holdings import Holdings, view_of
from policies.errors import DataError


@dataclass(frozen=True, slots=True)
class CodesAsked:
    """What is asked of codes: the knowledge, whether single entries may go, and the share of entries that may."""

    knowledge: Knowledge
    by_entry: bool
    suppression_limit: float


@dataclass(frozen=True, slots=True)
class ProtectedCodes:
    """The label of each entry of the holdings (None: not published), and what it cost.

    `loss` is the mean share over all entries, 0 nothing lost, 1 all; `suppressed` of `entries` are not published, unknown codes included.
    `is_optimal` says that no other cut and choice of suppressed labels costs less (class by class, where it was asked so).
    """

    labels: list[str | None] = field(repr=False)
    entries: int
    suppressed: int
    loss: float
    is_optimal: bool
    groups: int


def protect_codes(
    holdings: Holdings, tree: CodeTree, asked: CodesAsked, *, groups: IntArray | None = None
) -> ProtectedCodes:
    """Coarsen and suppress codes until no combination that an attacker may know fails.

    Args:
        holdings: Who holds which codes.
        tree: The tree of these codes.
        asked: What must hold.
        groups: The number of each record's class, if the attacker knows the class beside the codes; None if the codes alone.

    Guarantee: Every combination of up to `knowledge.size` published labels that a record holds is held by records of at least `k`
    people, and with `most` no sensitive value has a larger share of these records; within each group, if groups are given.
    Not guaranteed: Protection against who knows more codes, how often somebody had a code, that somebody did not have one, or anything
    else of the record. Who knows codes whose entries were removed one by one finds combinations that nobody has.

    Raises:
        DataError: More entries than the limit would have to go (`data.codes-not-protected`), or a sensitive value has too large a share
            before any code is known (`data.codes-confidence`). Both name the nearest setting that would do.

    Sources: Terrovitis et al., PVLDB 1(1), 2008; Mohammed et al., KDD 2009.
    """
    _check_confidence(holdings, asked.knowledge, groups)
    parts = _parts(holdings, tree, asked, groups)
    limit = int(asked.suppression_limit * holdings.entries + 1e-9)
    solved = _solved(parts, asked, limit, holdings.outside)
    needed = sum(choice.suppressed for choice in solved) + holdings.outside
    if needed > limit:
        raise _not_protected(asked, needed, holdings.entries)
    labels: list[str | None] = [None] * len(holdings.codes)
    for part, choice in zip(parts, solved, strict=True):
        nodes = choice.published[part.problem.holdings.codes]
        if choice.removed is not None:
            nodes = np.where(choice.removed, TOP, nodes)
        for place, node in zip(part.places.tolist(), nodes.tolist(), strict=True):
            labels[place] = part.problem.tree.labels[node] if node != TOP else None
    cost = sum(choice.cost for choice in solved) + holdings.outside
    return ProtectedCodes(
        labels,
        holdings.entries,
        needed,
        cost / holdings.entries if holdings.entries else 0.0,
        all(choice.is_optimal for choice in solved),
        len(parts),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One group's problem, and which entries of the whole are its own."""

    problem: CodeProblem
    places: IntArray = field(repr=False)


def _parts(holdings: Holdings, tree: CodeTree, asked: CodesAsked, groups: IntArray | None) -> list[_Part]:
    everything = len(holdings.codes)
    if groups is None:
        inside = replace(holdings, outside=0)
        return [_Part(CodeProblem(inside, tree, asked.knowledge, everything), np.arange(everything))]
    order = np.argsort(groups, kind="stable")
    numbers = np.searchsorted(groups[order], np.arange(int(groups.max(initial=-1)) + 2))
    by_group = np.argsort(groups[holdings.records], kind="stable")
    bounds = np.searchsorted(groups[holdings.records][by_group], np.arange(len(numbers)))
    parts = []
    for group in range(len(numbers) - 1):
        records = np.sort(order[numbers[group] : numbers[group + 1]])
        places = np.sort(by_group[bounds[group] : bounds[group + 1]])
        codes, own = np.unique(holdings.codes[places], return_inverse=True)
        inside = Holdings(
            np.searchsorted(records, holdings.records[places]).astype(np.int64),
            own.astype(np.int64),
            np.unique(holdings.people[records], return_inverse=True)[1].astype(np.int64),
            holdings.sensitive[records],
        )
        parts.append(_Part(CodeProblem(inside, tree.restricted(codes), asked.knowledge, len(places)), places))
    return parts


def _solved(parts: Sequence[_Part], asked: CodesAsked, limit: int, outside: int) -> list[Recoded]:
    """Solve each part; where all together suppress too much, once more with as little suppression as can be."""
    left = max(limit - outside, 0)
    if len(parts) == 1:
        return [_solve(replace(parts[0].problem, suppressible=left), asked)]
    found = [_solve(part.problem, asked) for part in parts]
    if sum(choice.suppressed for choice in found) <= left:
        return found
    return [_solve(replace(part.problem, suppressible=0), asked) for part in parts]


def _solve(problem: CodeProblem, asked: CodesAsked) -> Recoded:
    """Return the cheapest choice found within the limit; beyond it, one that suppresses little."""
    found = [choice for choice in (exact_cut(problem),) if choice is not None]
    if not found:
        tried = (greedy_cut(problem, suppresses_early=early) for early in (True, False))
        found = [choice for choice in tried if choice is not None]
    if asked.by_entry:
        by_entry = best_with_cells(problem)
        if by_entry.suppressed <= problem.suppressible or not found:
            found = [replace(choice, is_optimal=False) for choice in [*found, by_entry]]
    if not found:
        unlimited = replace(problem, suppressible=problem.holdings.entries)
        last = greedy_cut(unlimited, suppresses_early=False)
        # Without a limit every label can go, so this always ends with a choice.
        found = [last] if last is not None else []
    return min(found, key=lambda choice: choice.cost)


def _check_confidence(holdings: Holdings, knowledge: Knowledge, groups: IntArray | None) -> None:
    """Refuse where a sensitive value is too frequent among all records of a group: no change of codes mends that."""
    if knowledge.most is None or not len(holdings.sensitive):
        return
    of = np.zeros(len(holdings.sensitive), np.int64) if groups is None else groups
    rows = np.bincount(of)
    worst, wrong = 0.0, np.zeros(len(rows), bool)
    for value in np.unique(holdings.sensitive[holdings.sensitive >= 0]):
        share = np.bincount(of[holdings.sensitive == value], minlength=len(rows)) / np.maximum(rows, 1)
        wrong |= share > knowledge.most + 1e-12
        worst = max(worst, float(share.max()))
    if wrong.any():
        least = np.ceil(worst * 1000) / 1000
        raise DataError(
            "data.codes-confidence",
            what=f"in {int(wrong.sum())} of {len(rows)} groups a sensitive value has a share above c = {knowledge.most}",
            why="the attacker learns it before knowing any code, so no coarsening of codes helps",
            fix=f"write `c: {least:g}` or more, or add an l-diversity of that column under `sensitive`",
        )


def _not_protected(asked: CodesAsked, needed: int, entries: int) -> DataError:
    least = np.ceil(needed / entries * 1000) / 1000
    return DataError(
        "data.codes-not-protected",
        what=f"{needed} of {entries} codes would have to be suppressed, more than the limit of {asked.suppression_limit:g}",
        why=f"every combination of {asked.knowledge.size} codes must be held by {asked.knowledge.k} people",
        fix=f"write `suppression_limit: {least:g}` or more, or lower what the attacker knows or k",
    )


def count_offences(holdings: Holdings, published: IntArray, knowledge: Knowledge) -> int:
    """Count the combinations that fail under a choice of labels; of those that contain a failing one only that one."""
    view = view_of(holdings, published)
    return sum(len(np.unique(offence.labels)) for offence in offences(view, knowledge))
