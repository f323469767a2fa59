"""Recode a table locally: every class of rows at labels of its own, so that rare rows cost the common ones nothing.

Histogram → peeling → improvement → the challenge by every node of global recoding → mapping tables joined back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from anonymization.generalize import LISTED_NODES, classes_at, pose_problem, search_problem
from anonymization.histogram import build_histogram
from anonymization.loss import METRIC
from anonymization.quasi import IntArray, QuasiIdentifier
from anonymization.recoding.challenge import challenge
from anonymization.recoding.free_cuts import with_free_cuts
from anonymization.recoding.groups import Groups
from anonymization.recoding.improve import house_lost, improve
from anonymization.recoding.judge import Judge, make_judge
from anonymization.recoding.nodes import choose_nodes
from anonymization.recoding.peel import peel
from anonymization.recoding.publish import publish
from anonymization.recoding.shares import Classes, Shares, settle
from anonymization.recoding.trees import LabelTree, make_tree
from anonymization.search.problem import Node, Problem
from anonymization.sensitive_models import AskedModel, columns_of
from anonymization.spectrum import SpectrumOfClassSizes, spectrum_of
from policies.errors import DataError

if TYPE_CHECKING:
    import ibis

EFFORT = 120_000_000
"""Comparisons of a row with a class or another row, spent on improvement: about a second and a half of one core."""
ARITHMETIC_METRIC = "arithmetic loss: mean of v_j over the quasi-identifiers, suppression counts 1"


@dataclass(frozen=True, slots=True)
class LocalProgress:
    """How far local recoding is: the step, the mean cost of a row so far (None while peeling), and the rows in no class."""

    step: str
    loss: float | None
    rows_left: int


Progress = Callable[[LocalProgress], None]


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """How much work local recoding does, whom it tells, and where labels are cut freely.

    `effort` counts comparisons spent on improvement; 0 stops after peeling. It is not time, so that the result is the same
    on every run.

    `free_cuts` are quasi-identifiers of whole numbers that are published as intervals `low-high` of any ends, instead of the
    hierarchy's wider labels; the classes are then improved once more, with as much effort again. Each end of an interval is
    a value that somebody in the class has: who reads `27-31` knows that there is one of 27 and one of 31. Open classes
    (`90+`) and missing values keep the labels of the hierarchy.
    """

    effort: int = EFFORT
    progress: Progress | None = field(default=None, compare=False)
    free_cuts: tuple[str, ...] = ()


DEFAULTS = LocalSettings()


@dataclass(frozen=True, slots=True)
class FreeCuts:
    """What free cuts gained: the arithmetic loss before, after the classes were relabeled, and after they were improved.

    `improved_loss` is that of what is published. `comparisons` and `changes` are those of this second improvement.
    """

    columns: tuple[str, ...]
    loss_before: float
    relabeled_loss: float
    improved_loss: float
    comparisons: int
    changes: int

    def as_json(self) -> dict[str, object]:
        """Return the record as plain JSON values."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "columns": list(self.columns)}


@dataclass(frozen=True, slots=True)
class HowRecoded:
    """How a result came about.

    `peeled_loss` and `improved_loss` are arithmetic losses after each step. `nodes_tried` of `lattice` nodes served the
    peeling. `node_loss` is the geometric loss of the best node of global recoding where that is better than what local recoding
    reached, or where it had to be worked out (None: it was proven, with `node_checks` checks, that no node loses less);
    `is_global` says that this node is published.
    """

    peeled_loss: float
    improved_loss: float
    comparisons: int
    changes: int
    nodes_tried: int
    lattice: int
    node_loss: float | None
    node_checks: int
    is_global: bool
    free_cuts: FreeCuts | None = None

    def as_json(self) -> dict[str, object]:
        """Return the record as plain JSON values; of free cuts only where there are some."""
        record = {name: getattr(self, name) for name in self.__slots__ if name != "free_cuts"}
        if self.free_cuts is not None:
            record["free_cuts"] = self.free_cuts.as_json()
        return record


@dataclass(frozen=True, slots=True)
class LocallyRecoded:
    """A table whose every class meets the models, each at labels of its own.

    `rows` is lazy, as in `generalize.Generalized`. `loss` is the metric of global recoding (geometric), `arithmetic_loss`
    the mean of its v_j. `people_out` are those with a row that is published. `levels` says by quasi-identifier and level how many published rows have a label of that level
    (the lowest level at which the label stands; an interval of free cuts counts where the label stands that it is narrower than).
    """

    rows: "ibis.Table" = field(repr=False)
    loss: float
    arithmetic_loss: float
    classes: int
    suppressed_records: int
    records: int
    people: int
    people_out: int
    k_reached: int
    levels: dict[str, dict[int, int]]
    metric: str
    how: HowRecoded
    class_sizes: SpectrumOfClassSizes = field(repr=False)
    problem: Problem = field(repr=False)


def recode_locally(
    rows: "ibis.Table",
    *,
    quasi_identifiers: Sequence[QuasiIdentifier],
    k: int,
    sensitive: Sequence[AskedModel],
    suppression_limit: float,
    person: str | None,
    settings: LocalSettings = DEFAULTS,
) -> LocallyRecoded:
    """Give every class of rows labels of its own, until each holds k persons and meets every model, losing little.

    Args:
        rows: The table. Not changed. Missing values are a category of their own, published as null below the root.
        quasi_identifiers: One or more; those with a fixed level are published at it.
        k: The least number of people in a class, 2 or more. A person with rows in several classes counts once in each.
        sensitive: Models of what a class may tell, as in `generalize_table`.
        suppression_limit: The share of the rows that may be suppressed, 0 to 1; hardly any is.
        person: The column that names the person; None when every row is another person.
        settings: How much work to do, whom to tell, and which columns have free cuts.

    Guarantee: in `rows`, every combination of quasi-identifiers is shared by at least k persons and meets every model;
    every label is one that its hierarchy gives the value, or with free cuts an interval around it; free cuts lose no more
    than the same call without; no node of global recoding within the limit loses less (where the
    lattice has more than a million nodes: not the node that global recoding would find).
    Not guaranteed: that no other local recoding loses less. Nor anything against who knows more than the
    quasi-identifiers; nor, as with every release of minimal loss, against who argues from how this method chose the
    classes (Wong et al., Minimality attack, VLDB 2007). Labels of several levels stand side by side, so counts by label
    are not counts by value.

    Raises:
        PolicyError: As `generalize_table`; or `policy.label-ambiguous`; or `policy.free-cuts`: a column that cannot have them.
        DataError: As `generalize_table`.
    """
    histogram = build_histogram(
        rows, quasi_identifiers=quasi_identifiers, sensitive=columns_of(sensitive), person=person
    )
    problem = pose_problem(histogram, k=k, sensitive=sensitive, suppression_limit=suppression_limit)
    return recode_problem(rows, problem, settings=settings)


def recode_problem(rows: "ibis.Table", problem: Problem, *, settings: LocalSettings = DEFAULTS) -> LocallyRecoded:
    """Recode a table whose histogram is made already; see `recode_locally`."""
    histogram = problem.histogram
    trees = tuple(map(make_tree, histogram.attributes, histogram.hierarchies, histogram.codes))
    judge = make_judge(problem)
    free = with_free_cuts(problem, trees, settings.free_cuts) if settings.free_cuts else None
    groups, how = _recode(problem, trees, judge, settings)
    if free is not None:
        groups, gained = _cut_freely(problem, groups, free, settings)
        trees, how = free, replace(how, free_cuts=gained)
    return _result(rows, problem, trees, judge, settle(groups), how)


def _cut_freely(
    problem: Problem, groups: Groups, trees: tuple[LabelTree, ...], settings: LocalSettings
) -> tuple[Groups, FreeCuts]:
    """Relabel the classes with free cuts, and improve them; the improvement is kept only if neither loss rises."""
    tell = settings.progress or (lambda _: None)
    before = loss_of(problem, groups.trees, settle(groups))[1]
    relabeled = groups.read_with(trees)
    geometric, arithmetic = loss_of(problem, trees, settle(relabeled))
    better = relabeled.read_with(trees)
    improved = improve(
        better, budget=settings.effort, report=lambda loss: tell(LocalProgress("cutting freely", loss, 0))
    )
    found = loss_of(problem, trees, settle(better))
    is_better = _is_allowed(problem, better) and found[0] <= geometric and found[1] <= arithmetic
    gained = FreeCuts(
        columns=settings.free_cuts,
        loss_before=before,
        relabeled_loss=arithmetic,
        improved_loss=found[1] if is_better else arithmetic,
        comparisons=improved.comparisons,
        changes=improved.changes,
    )
    return better if is_better else relabeled, gained


def _recode(
    problem: Problem,
    trees: tuple[LabelTree, ...],
    judge: Judge,
    settings: LocalSettings,
) -> tuple[Groups, HowRecoded]:
    codes, nodes = problem.histogram.codes, choose_nodes(trees)
    tell = settings.progress or (lambda _: None)
    peeled = peel(
        codes,
        trees=trees,
        nodes=nodes,
        judge=judge,
        report=lambda _, left: tell(LocalProgress("peeling", None, left)),
    )
    groups = Groups(codes, trees=trees, judge=judge, class_of=peeled.class_of)
    peeled_loss = groups.total
    improved = improve(groups, budget=settings.effort, report=lambda loss: tell(LocalProgress("improving", loss, 0)))
    house_lost(groups, most=problem.may_suppress - problem.histogram.unseen_records)
    loss = loss_of(problem, trees, settle(groups))[0] if _is_allowed(problem, groups) else np.inf
    tell(LocalProgress("comparing with global recoding", groups.total, 0))
    node, node_loss, checks = _better_node(problem, loss)
    is_global = False
    if node is not None and node_loss is not None:
        at_node = Groups(codes, trees=trees, judge=judge, class_of=_classes_of_node(problem, node))
        if loss_of(problem, trees, settle(at_node))[0] < loss:
            groups, is_global = at_node, True
    how = HowRecoded(
        peeled_loss=peeled_loss,
        improved_loss=groups.total,
        comparisons=improved.comparisons,
        changes=improved.changes,
        nodes_tried=len(nodes.levels),
        lattice=nodes.lattice,
        node_loss=node_loss,
        node_checks=checks,
        is_global=is_global,
    )
    return groups, how


def _is_allowed(problem: Problem, groups: Groups) -> bool:
    lost = int(groups.rows[groups.is_lost].sum())
    return problem.is_allowed(lost + problem.histogram.unseen_records)


def _better_node(problem: Problem, loss: float) -> tuple[Node | None, float | None, int]:
    """Return a valid node that loses less than `loss`, its loss, and the checks it took to find it or to rule it out."""
    listed = int(np.prod(problem.shape, dtype=float)) <= LISTED_NODES
    if listed and np.isfinite(loss):
        found = challenge(problem, loss)
        return (None, None, found.checks) if found.best is None else (found.best.node, found.best.loss, found.checks)
    certificate = search_problem(problem)
    node = certificate.node if certificate.loss < loss else None
    return node, certificate.loss, len(certificate.checks)


def _classes_of_node(problem: Problem, node: Node) -> IntArray:
    """Return the class of each tuple at a node; -1 where it is suppressed."""
    histogram = problem.histogram
    labels = np.stack(
        [
            attribute.label_of[level][codes]
            for attribute, codes, level in zip(histogram.attributes, histogram.codes, node, strict=True)
        ]
    )
    table, failing = classes_at(problem, node)
    every, class_of = np.unique(labels, axis=1, return_inverse=True)
    kept = np.stack(table.codes)[:, ~failing].astype(np.int64)
    is_kept = np.zeros(every.shape[1], np.bool_)
    wanted = {tuple(column) for column in kept.T.tolist()}
    is_kept[[i for i, column in enumerate(every.T.tolist()) if tuple(column) in wanted]] = True
    number = np.cumsum(is_kept) - 1
    class_of = class_of.reshape(-1)
    return np.where(is_kept[class_of], number[class_of], -1)


def loss_of(problem: Problem, trees: tuple[LabelTree, ...], classes: Classes) -> tuple[float, float]:
    """Return the geometric and the arithmetic loss of classes, each label counted by what its text stands for."""
    shares = classes.shares
    records = problem.histogram.records
    lost = records - int(shares.rows.sum())
    sums, parts = [], []
    for attribute, tree, labels in zip(problem.histogram.attributes, trees, classes.labels, strict=True):
        covered = tree.covered[labels[shares.classes]]
        numerator = int((covered * shares.rows).sum()) + lost * attribute.domain
        sums.append(numerator)
        span = records * (attribute.domain - 1)
        parts.append(max((numerator - records) / span, 0.0) if span else 0.0)
    return problem.loss.of(sums), sum(parts) / len(parts)


def _result(
    rows: "ibis.Table",
    problem: Problem,
    trees: tuple[LabelTree, ...],
    judge: Judge,
    classes: Classes,
    how: HowRecoded,
) -> LocallyRecoded:
    histogram, shares = problem.histogram, classes.shares
    class_rows = np.bincount(shares.classes, weights=shares.rows, minlength=classes.labels.shape[1]).astype(np.int64)
    people, failing = judge.verdict(shares.tuples, shares.classes, classes.labels.shape[1], class_rows)
    suppressed = histogram.records - int(class_rows.sum())
    if failing.any() or not problem.is_allowed(suppressed):
        raise _not_reached(int(failing.sum()))
    sizes = spectrum_of(people, class_rows)
    loss, arithmetic_loss = loss_of(problem, trees, classes)
    return LocallyRecoded(
        rows=publish(rows, histogram, trees=trees, shares=shares, labels=classes.labels),
        loss=loss,
        arithmetic_loss=arithmetic_loss,
        classes=sizes.class_count,
        suppressed_records=suppressed,
        records=histogram.records,
        people=histogram.people,
        people_out=_people_in(judge, shares),
        k_reached=sizes.k,
        levels=_levels(problem, trees, classes, class_rows),
        metric=METRIC,
        how=how,
        class_sizes=sizes,
        problem=problem,
    )


def _people_in(judge: Judge, shares: Shares) -> int:
    """Count the persons with a row in any class."""
    if judge.counts_rows:
        return int(shares.rows.sum())
    histogram = judge.problem.histogram
    is_kept = np.zeros(len(histogram.rows), np.bool_)
    is_kept[shares.tuples] = True
    people = int(histogram.loyal[is_kept].sum())
    if histogram.shared is not None:
        people += len(np.unique(histogram.shared.things[is_kept[histogram.shared.tuples]]))
    return people


def _levels(
    problem: Problem, trees: tuple[LabelTree, ...], classes: Classes, class_rows: IntArray
) -> dict[str, dict[int, int]]:
    counted = {}
    for attribute, tree, labels in zip(problem.histogram.attributes, trees, classes.labels, strict=True):
        at = np.bincount(tree.level_of[labels], weights=class_rows, minlength=len(attribute.levels))
        counted[attribute.column] = {level: int(rows) for level, rows in zip(attribute.levels, at, strict=True)}
    return counted


def _not_reached(failing: int) -> DataError:
    return DataError(
        "data.recoding-differs",
        what=f"{failing} classes of the recoded table do not meet the models, or too many rows are suppressed",
        why="what is published is counted once more, and must meet every model",
        fix="use global recoding, and report this with the version and the settings",
    )
