"""What the search is asked, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from anonymization.criteria.criterion import Criterion
from anonymization.criteria.table_criterion import TableCriterion
from anonymization.histogram import Histogram
from anonymization.loss import GEOMETRIC, Loss, Metric
from anonymization.quasi import IntArray

Node = tuple[int, ...]
"""One place a quasi-identifier: the index of the chosen level among the levels that may be chosen."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A histogram, the models its classes must meet, and how many records may be suppressed.

    `criteria` are asked of each class, and a class that fails is suppressed; `table_criteria` are asked of the published
    classes together, and a node that fails is no release.

    `base_sums[j][i]` is T_j * D_j of the loss metric when attribute j is published at its i-th level and nothing is
    suppressed but the unseen values: the least any node with that level can have. `marginals[j]` counts the rows of each
    value of attribute j.
    """

    histogram: Histogram
    criteria: tuple[Criterion, ...]
    may_suppress: int
    loss: Loss
    base_sums: tuple[IntArray, ...] = field(repr=False)
    marginals: tuple[IntArray, ...] = field(repr=False)
    table_criteria: tuple[TableCriterion, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of levels that may be chosen, one a quasi-identifier."""
        return tuple(len(attribute.levels) for attribute in self.histogram.attributes)

    def is_allowed(self, suppressed: int) -> bool:
        """Whether a release may suppress so many records; never all of them, for that is an empty release."""
        return suppressed <= self.may_suppress and suppressed < self.histogram.records

    def is_final(self, criterion: TableCriterion, suppressed: int) -> bool:
        """Whether a node that fails `criterion`, suppressing so many records, rules out every node below it.

        A release below has finer classes, and what it publishes is published here as well, as long as every model of a
        single class is monotone. So it passes only if the model breaks by merging, or by publishing more. Where nothing
        may be suppressed, releases differ by merging alone.
        """
        unseen = self.histogram.unseen_records
        if not criterion.monotone_in_generalization:
            return False
        if suppressed == unseen and self.may_suppress <= unseen:
            return True
        return criterion.monotone_in_suppression and all(one.monotone for one in self.criteria)


def make_problem(
    histogram: Histogram,
    *,
    criteria: tuple[Criterion, ...],
    suppression_limit: float,
    table_criteria: tuple[TableCriterion, ...] = (),
    metric: Metric = GEOMETRIC,
) -> Problem:
    """Prepare the search: the limit as a number of records, and the sums that all bounds start from.

    Args:
        histogram: The table.
        criteria: The models every published class must meet.
        suppression_limit: The share of the records that may be suppressed, 0 to 1.
        table_criteria: The models the published classes must meet together.
        metric: What is to be least.

    Raises:
        PolicyError: Weights that do not fit the quasi-identifiers (`policy.weights`).
    """
    may_suppress = int(Decimal(str(suppression_limit)) * histogram.records)
    sums, marginals = [], []
    rows = histogram.rows.astype(float)  # exact below 2**53
    for attribute, codes in zip(histogram.attributes, histogram.codes, strict=True):
        weight = np.bincount(codes, weights=rows, minlength=attribute.missing + 1).astype(np.int64)
        marginals.append(weight)
        per_level = [
            int((weight * attribute.covered[i][attribute.label_of[i]]).sum()) for i in range(len(attribute.levels))
        ]
        sums.append(np.array(per_level, np.int64) + histogram.unseen_records * attribute.domain)
    domains = {attribute.column: attribute.domain for attribute in histogram.attributes}
    return Problem(
        histogram=histogram,
        criteria=criteria,
        may_suppress=may_suppress,
        loss=metric.of_table(histogram.records, domains),
        base_sums=tuple(sums),
        marginals=tuple(marginals),
        table_criteria=table_criteria,
    )


@dataclass(frozen=True, slots=True)
class Check:
    """The result of checking one node.

    `suppressed` counts the records it would suppress (the unseen ones included), `loss` is exact. `stuck` counts the
    records that at least are suppressed at this node and at every node below it, and `penalties[j][i]` is what they at
    least add to the sum of attribute j at its i-th level, for levels up to the node. `rules_out_below` says that a model
    of the published classes together is failed, and that no node below can pass it (`Problem.is_final`).
    """

    node: Node
    suppressed: int
    is_valid: bool
    loss: float
    classes: int
    stuck: int
    penalties: tuple[IntArray, ...] = field(repr=False)
    rules_out_below: bool = False


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """How far the search is.

    The best loss so far (None before the first valid node), the bound below which nothing can be, the gap between
    them, nodes checked, and nodes that are still open.
    """

    incumbent: float | None
    bound: float
    gap: float | None
    checks: int
    open_nodes: int


Progress = Callable[[SearchProgress], None]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The proof of an optimum: every node checked, what each rules out, and the answer.

    `is_complete` is False where not every node was ruled out; then `gap` says how much better an unchecked node could be.
    The checks prove that as well where the search was ended early; where the lattice is too large to list, `parts` do: the
    optima of groups of quasi-identifiers, whose losses join to a bound.
    """

    node: Node
    loss: float
    gap: float
    is_complete: bool
    checks: tuple[Check, ...] = field(repr=False)
    parts: "tuple[Part, ...]" = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """The optimum of some quasi-identifiers alone, given by their places."""

    attributes: tuple[int, ...]
    certificate: Certificate
