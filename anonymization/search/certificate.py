"""The independent replay of a certificate.

Shares with the search only the histogram, the models' predicates and the certificate: classes are grouped by sorting
whole tuples, sums are exact fractions, and the lattice is covered by logarithms. Slow and plain on purpose.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from anonymization.criteria.criterion import BoolArray, ClassCounts
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.criteria.profitability import PublishingPays
from anonymization.criteria.table_criterion import TableCriterion
from anonymization.histogram import Pairs
from anonymization.loss import ArithmeticLoss, FloatArray
from anonymization.quasi import IntArray
from anonymization.search.problem import Certificate, Check, Node, Problem
from anonymization.search.wide import project
from anonymization.sensitive import SensitiveCounts

TOLERANCE = 1e-9
"""Losses differ by less between exact fractions and double precision."""
MAX_NODES = 2_000_000
"""Larger lattices are not listed; their certificates claim a gap, not an optimum."""
MAX_ATTRIBUTES = 60
"""An array has no more axes than 64."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What the replay found.

    `holds` when nothing contradicts the certificate, `proves_optimum` when every node is ruled out as well; `faults`
    in words, with counts and level numbers only.
    """

    holds: bool
    proves_optimum: bool
    checks: int
    faults: tuple[str, ...]


def replay(problem: Problem, certificate: Certificate) -> Replay:
    """Check every claim of a certificate against the histogram.

    Each checked node is grouped anew: its suppressed records, validity, loss and class count must be as claimed, and
    its penalties no more than what its stuck records truly cost. The answer must be among the valid checks. Then every
    other node of the lattice must be too lossy by its own generalization, up to the gap, or ruled out by a check above it;
    or, for a lattice that is too large, the bounds of its parts must be proven in the same way and carry the gap.
    """
    faults = [fault for check in certificate.checks for fault in _faults_of(problem, check)]
    answers = [check for check in certificate.checks if check.node == certificate.node and check.is_valid]
    if not answers or abs(answers[0].loss - certificate.loss) > TOLERANCE:
        faults.append("the answer is not one of the valid checked nodes, or has another loss")
    listed = math.prod(problem.shape) <= MAX_NODES and len(problem.shape) <= MAX_ATTRIBUTES
    if certificate.is_complete and certificate.gap:
        faults.append("a complete certificate has no gap")
    if listed and not certificate.parts:
        uncovered = int((~_covered(problem, certificate)).sum())
        if uncovered:
            faults.append(f"{uncovered} node(s) are not ruled out")
    elif certificate.is_complete or not certificate.parts:
        faults.append("the lattice is too large to be listed, so parts must prove the gap")
    else:
        faults.extend(_faults_of_parts(problem, certificate))
    proves = certificate.is_complete and not faults
    return Replay(not faults, proves, len(certificate.checks), tuple(faults))


def _faults_of_parts(problem: Problem, certificate: Certificate) -> list[str]:
    """Replay the part of each group of quasi-identifiers, and see that their bound carries the claimed gap."""
    faults, bounds = [], []
    named = [j for part in certificate.parts for j in part.attributes]
    if len(set(named)) != len(named):
        faults.append("a quasi-identifier is in two parts")
    for part in certificate.parts:
        if not replay(project(problem, part.attributes), part.certificate).holds:
            faults.append(f"the bound of quasi-identifiers {part.attributes} is not proven")
        bounds.append(part.certificate.loss - part.certificate.gap)
    is_plain_sum = isinstance(problem.loss, ArithmeticLoss)
    bound = math.fsum(bounds) if is_plain_sum else math.prod(1.0 + each for each in bounds) - 1.0
    if certificate.loss - certificate.gap > bound + TOLERANCE:
        faults.append("the gap is claimed smaller than the parts prove")
    return faults


def _faults_of(problem: Problem, check: Check) -> list[str]:
    where = f"node {check.node}"
    labels = _labels(problem, check.node)
    _, index = np.unique(labels, axis=0, return_inverse=True)
    index = index.reshape(-1)
    counts = _counts(problem, index)
    if any(isinstance(criterion, PublishingPays) for criterion in problem.criteria):
        counts = replace(counts, lost=_lost_shares(problem, check.node, np.unique(labels, axis=0)))
    failing, lost = _failing(problem, counts)
    rows = problem.histogram.rows
    unseen = problem.histogram.unseen_records
    suppressed = int(rows[failing[index]].sum()) + unseen
    faults = []
    if suppressed != check.suppressed or int(lost.sum()) + unseen != check.stuck:
        faults.append(f"{where}: another number of records is suppressed")
    is_allowed = suppressed <= problem.may_suppress and suppressed < problem.histogram.records
    refused = [one for one in problem.table_criteria if is_allowed and one.failing_by(counts, ~failing)]
    if (is_allowed and not refused) != check.is_valid:
        faults.append(f"{where}: its validity is not as claimed")
    if check.rules_out_below and not any(_breaks_below(problem, one, suppressed) for one in refused):
        faults.append(f"{where}: rules out what is below without a model that does")
    if int((~failing).sum()) != check.classes:
        faults.append(f"{where}: another number of classes")
    if abs(_exact_loss(problem, check.node, failing[index]) - check.loss) > TOLERANCE:
        faults.append(f"{where}: another loss")
    if not _penalties_hold(problem, check, index, lost):
        faults.append(f"{where}: claims more penalty than its suppressed records cost")
    return faults


def _labels(problem: Problem, node: Node) -> IntArray:
    columns = [
        attribute.label_of[level][codes]
        for attribute, codes, level in zip(problem.histogram.attributes, problem.histogram.codes, node, strict=True)
    ]
    return np.stack(columns, axis=1)


def _breaks_below(problem: Problem, model: TableCriterion, suppressed: int) -> bool:
    """Whether a release below, being finer and publishing no more rows, must fail the model as well."""
    nothing_more = problem.may_suppress <= problem.histogram.unseen_records == suppressed
    publishes_less = model.monotone_in_suppression and all(criterion.monotone for criterion in problem.criteria)
    return model.monotone_in_generalization and (nothing_more or publishes_less)


def _counts(problem: Problem, index: IntArray) -> ClassCounts:
    """Count each class anew."""
    histogram = problem.histogram
    size = int(index.max()) + 1
    rows, people = np.zeros(size, np.int64), np.zeros(size, np.int64)
    np.add.at(rows, index, histogram.rows)
    np.add.at(people, index, histogram.loyal)
    if histogram.shared is not None:
        people += _distinct(histogram.shared, index, size)
    return ClassCounts(rows, people, {name: _counted(one, index) for name, one in histogram.sensitive.items()})


def _lost_shares(problem: Problem, node: Node, classes: IntArray) -> FloatArray:
    """Return the share of its information that each class has lost, from its labels."""
    attributes = problem.histogram.attributes
    whole = math.log(math.prod(attribute.domain for attribute in attributes))
    leaves = [
        math.prod(int(attribute.covered[i][label]) for attribute, i, label in zip(attributes, node, each, strict=True))
        for each in classes
    ]
    return np.array([math.log(number) / whole if whole else 0.0 for number in leaves])


def _failing(problem: Problem, counts: ClassCounts) -> tuple[BoolArray, IntArray]:
    """Return which classes fail a model, and how many rows of each no finer node can publish."""
    rows, size = counts.rows, len(counts.rows)
    failing, lost = np.zeros(size, np.bool_), np.zeros(size, np.int64)
    for criterion in problem.criteria:
        failing |= criterion.failing(counts)
        lost = np.maximum(lost, criterion.least_lost(counts))
    least_rows = max((criterion.k for criterion in problem.criteria if isinstance(criterion, KAnonymity)), default=1)
    return failing, np.where(rows - lost < least_rows, rows, lost)


def _counted(counts: SensitiveCounts, index: IntArray) -> SensitiveCounts:
    totals: dict[tuple[int, int], int] = defaultdict(int)
    groups, values = index[counts.groups].tolist(), counts.values.tolist()
    for group, value, rows in zip(groups, values, counts.rows.tolist(), strict=True):
        totals[group, value] += rows
    pairs = sorted(totals)
    return SensitiveCounts(
        np.array([group for group, _ in pairs], np.int64),
        np.array([value for _, value in pairs], np.int64),
        np.array([totals[pair] for pair in pairs], np.int64),
        counts.labels,
        counts.outside,
    )


def _distinct(pairs: Pairs, index: IntArray, size: int) -> IntArray:
    members: list[set[int]] = [set() for _ in range(size)]
    for group, thing in zip(index[pairs.tuples].tolist(), pairs.things.tolist(), strict=True):
        members[group].add(thing)
    return np.array([len(things) for things in members], np.int64)


def _exact_loss(problem: Problem, node: Node, is_lost: BoolArray) -> float:
    histogram = problem.histogram
    records = histogram.records
    lost = int(histogram.rows[is_lost].sum()) + histogram.unseen_records
    product, total_share = 1.0, 0.0
    for j, (attribute, codes, level) in enumerate(zip(histogram.attributes, histogram.codes, node, strict=True)):
        if attribute.domain == 1:
            continue
        covered = attribute.covered[level][attribute.label_of[level][codes]]
        total = Fraction(int((histogram.rows * covered)[~is_lost].sum()), attribute.domain) + lost
        least = Fraction(records, attribute.domain)
        share = max(Fraction(0), (total - least) / (records - least))
        cut = math.floor(share * 10**10) / 10**10
        product *= (1.0 + cut) ** problem.loss.shares[j]
        total_share += cut * problem.loss.shares[j]
    return total_share if isinstance(problem.loss, ArithmeticLoss) else product - 1.0


def _penalties_hold(problem: Problem, check: Check, index: IntArray, lost: IntArray) -> bool:
    """Whether no penalty is more than the cheapest choice of the lost rows of each class would cost."""
    histogram = problem.histogram
    rows = [np.flatnonzero(index == group) for group in np.flatnonzero(lost)]
    for j, attribute in enumerate(histogram.attributes):
        if len(check.penalties[j]) != check.node[j] + 1:
            return False
        for level, claimed in enumerate(check.penalties[j].tolist()):
            cost = attribute.domain - attribute.covered[level][attribute.label_of[level][histogram.codes[j]]]
            least = sum(
                _cheapest(cost[members], histogram.rows[members], int(number))
                for members, number in zip(rows, lost[lost > 0], strict=True)
            )
            if claimed > least:
                return False
    return True


def _cheapest(cost: IntArray, rows: IntArray, number: int) -> int:
    """Return what the cheapest `number` rows cost, of tuples with so many rows of that cost each."""
    total = 0
    for each, available in sorted(zip(cost.tolist(), rows.tolist(), strict=True)):
        taken = min(number, available)
        total += taken * each
        number -= taken
    return total


def _covered(problem: Problem, certificate: Certificate) -> BoolArray:
    """Return which nodes of the lattice cannot be better than the answer by more than the gap."""
    goal = certificate.loss - certificate.gap - TOLERANCE
    covered: BoolArray = _loss_of_sums(problem, problem.base_sums) >= goal
    for check in certificate.checks:
        box = tuple(slice(0, level + 1) for level in check.node)
        if check.rules_out_below or check.stuck > problem.may_suppress or check.stuck >= problem.histogram.records:
            covered[box] = True
        else:
            sums = [base[: len(extra)] + extra for base, extra in zip(problem.base_sums, check.penalties, strict=True)]
            covered[box] |= _loss_of_sums(problem, sums) >= goal
        covered[check.node] |= not check.is_valid or check.loss >= goal
    return covered


def _loss_of_sums(problem: Problem, sums: "list[IntArray] | tuple[IntArray, ...]") -> FloatArray:
    records = problem.histogram.records
    is_plain_sum = isinstance(problem.loss, ArithmeticLoss)
    total = np.zeros(())
    for attribute, weight, numerators in zip(problem.histogram.attributes, problem.loss.shares, sums, strict=True):
        share = np.maximum((numerators - records) / (records * max(attribute.domain - 1, 1)), 0.0)
        total = np.add.outer(total, weight * (share if is_plain_sum else np.log1p(share)))
    return np.asarray(total if is_plain_sum else np.expm1(total))
