"""Generalize a table so that its classes meet the privacy models, with the least loss.

Histogram → search → mapping tables joined back. The table itself is read by the engine only; what is held in memory is
the histogram of distinct quasi-identifier tuples.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from anonymization.criteria.criterion import Criterion
from anonymization.criteria.from_policy import criterion_of
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.criteria.nearest import nearest_setting
from anonymization.criteria.profitability import PublishingPays
from anonymization.criteria.table_criterion import TableCriterion
from anonymization.hierarchy import ROOT
from anonymization.histogram import Histogram, as_text, build_histogram
from anonymization.loss import GEOMETRIC, Metric
from anonymization.quasi import QuasiIdentifier
from anonymization.risk_models import NOTHING_ASKED, AskedRisk
from anonymization.search.classes import ClassTable, bottom_table, counts_of, failed_together, failing_classes, roll_up
from anonymization.search.effort import UNLIMITED, Effort
from anonymization.search.label_maps import LabelMaps
from anonymization.search.optimal import search_all
from anonymization.search.problem import Certificate, Node, Problem, Progress, make_problem
from anonymization.search.problem import SearchProgress as SearchProgress
from anonymization.search.wide import search_wide
from anonymization.sensitive_models import AskedModel, columns_of
from anonymization.spectrum import SpectrumOfClassSizes, spectrum_of
from policies.errors import DataError, PolicyError

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

LISTED_NODES = 1_000_000
"""Lattices up to this size are searched for the proven optimum; larger ones give an answer with a gap."""
LISTED_ATTRIBUTES = 60
"""So do those of more quasi-identifiers: a lattice is an array, which has no more axes than 64."""
MISSING_VALUES = "own_category"
VALUE, LABEL, OF, CODE = "__niji_value_{}", "__niji_label_{}", "__niji_of_{}", "__niji_code_{}"
"""Columns of the mapping tables, and the label code of a row, one a quasi-identifier."""


@dataclass(frozen=True, slots=True)
class HowToSearch:
    """What the search makes least, and how much may be spent on it; without a word, the metric of ARX up to the proof."""

    metric: Metric = GEOMETRIC
    effort: Effort = UNLIMITED


AS_ARX = HowToSearch()


@dataclass(frozen=True, slots=True)
class Generalized:
    """A table whose every class meets the models, and the proof.

    `rows` is lazy: quasi-identifiers with a hierarchy hold labels (text; null for a missing value below the root),
    rows of failing classes are gone, all other columns, the person's too, are as they were. `node` gives the level of
    each quasi-identifier. `records` and `people` count the input, `suppressed_records` what is gone from it, `classes`
    what is published; `k_reached` is the smallest published class in people. `gap` is 0 for a proven optimum.
    `table_models` names the models that the published classes meet together.
    """

    rows: "ibis.Table" = field(repr=False)
    node: dict[str, int]
    loss: float
    classes: int
    suppressed_records: int
    records: int
    people: int
    k_reached: int
    checks: int
    gap: float
    metric: str
    table_models: tuple[str, ...]
    class_sizes: SpectrumOfClassSizes = field(repr=False)
    problem: Problem = field(repr=False)
    certificate: Certificate = field(repr=False)


def generalize_table(  # noqa: PLR0913 - one parameter a thing that is asked of a release
    rows: "ibis.Table",
    *,
    quasi_identifiers: Sequence[QuasiIdentifier],
    k: int,
    sensitive: Sequence[AskedModel],
    suppression_limit: float,
    person: str | None,
    table_models: Sequence[TableCriterion] = (),
    asked_risk: AskedRisk = NOTHING_ASKED,
    how: HowToSearch = AS_ARX,
    progress: Progress | None = None,
) -> Generalized:
    """Generalize and suppress until every class holds k persons and meets every model, losing as little as possible.

    Args:
        rows: The table. Not changed. Missing values are a category of their own, published as null below the root.
        quasi_identifiers: One or more; levels fixed there are kept, the others are searched.
        k: The least number of people in a class, 2 or more.
        sensitive: Models of what a class may tell, any number on any number of columns. A hierarchical distance needs
            its hierarchy: `sensitive_models.with_hierarchies`.
        suppression_limit: The share of the rows that may be suppressed, 0 to 1.
        person: The column that names the person; None when every row is another person.
        table_models: Models that the published classes must meet together.
        asked_risk: Models of who could be found, and the population table that some need. With one that says something
            of people alone in their class, k may be 1.
        how: What is to be least, and how much may be spent on it.
        progress: Called after each check.

    Guarantee: in `rows`, every combination of quasi-identifiers is shared by at least k persons and meets every model
    of `sensitive`, which says in its own file what that means; no other choice of levels within the limit loses less, up
    to `gap`. Models that compare a class with the whole table mean the table before suppression.
    Not guaranteed: protection against an attacker who knows more than the quasi-identifiers, or who knows that several
    rows belong to one person: rows must be published without any key.

    Raises:
        PolicyError: k below 2, a limit outside 0 to 1, a column named twice, a level a hierarchy does not have, weights that
            do not fit the quasi-identifiers.
        DataError: A missing column, an unseen value, an empty table, fewer than k people, a sensitive value that a
            distance does not know, or no solution.

    Source: Samarati, IEEE TKDE 13(6), 2001 (full-domain generalization with suppression); reference section 7.
    """
    histogram = build_histogram(
        rows,
        quasi_identifiers=asked_risk.grown(quasi_identifiers),
        sensitive=columns_of(sensitive),
        person=person,
    )
    problem, certificate = solve_histogram(
        asked_risk.completed(histogram),
        k=k,
        sensitive=sensitive,
        suppression_limit=suppression_limit,
        table_models=table_models,
        asked_risk=asked_risk,
        how=how,
        progress=progress,
    )
    return _publish(rows, problem, certificate, metric=how.metric)


def solve_histogram(  # noqa: PLR0913 - as `generalize_table`
    histogram: Histogram,
    *,
    k: int,
    sensitive: Sequence[AskedModel],
    suppression_limit: float,
    table_models: Sequence[TableCriterion] = (),
    asked_risk: AskedRisk = NOTHING_ASKED,
    how: HowToSearch = AS_ARX,
    progress: Progress | None = None,
) -> tuple[Problem, Certificate]:
    """Find the levels for a table that is a histogram already; one histogram serves any number of questions.

    Args:
        histogram: From `build_histogram`, with every sensitive column that is asked about.
        k: The least number of people in a class, 2 or more.
        sensitive: Models of what a class may tell, any number on any number of columns.
        suppression_limit: The share of the rows that may be suppressed, 0 to 1.
        table_models: Models that the published classes must meet together.
        asked_risk: Models of who could be found; the histogram holds the population's people where one needs them.
        how: What is to be least, and how much may be spent on it.
        progress: Called after each check.

    Raises:
        PolicyError: k below 2, a limit outside 0 to 1.
        DataError: Fewer than k people, a sensitive value that a distance does not know, or no solution.
    """
    problem = pose_problem(
        histogram,
        k=k,
        sensitive=sensitive,
        suppression_limit=suppression_limit,
        table_models=table_models,
        asked_risk=asked_risk,
        metric=how.metric,
    )
    return problem, search_problem(problem, progress=progress, effort=how.effort)


def pose_problem(
    histogram: Histogram,
    *,
    k: int,
    sensitive: Sequence[AskedModel],
    suppression_limit: float,
    table_models: Sequence[TableCriterion] = (),
    asked_risk: AskedRisk = NOTHING_ASKED,
    metric: Metric = GEOMETRIC,
) -> Problem:
    """Return what is asked of a histogram, before any search; arguments and errors as `solve_histogram`."""
    _require_settings(k, suppression_limit, least_k=1 if asked_risk.stands_in_for_k else 2)
    _require_people(histogram, k)
    _require_known(histogram)
    criteria: tuple[Criterion, ...] = (
        KAnonymity(k),
        *(criterion_of(model, histogram.sensitive[model.column].labels) for model in sensitive),
        *asked_risk.criteria(),
    )
    return make_problem(
        histogram,
        criteria=criteria,
        suppression_limit=suppression_limit,
        table_criteria=(*table_models, *asked_risk.table_criteria()),
        metric=metric,
    )


def search_problem(problem: Problem, *, progress: Progress | None = None, effort: Effort = UNLIMITED) -> Certificate:
    """Find the levels that lose least, or as little as `effort` allows.

    Raises:
        DataError: No solution.
    """
    search = search_all if _is_listed(problem) else search_wide
    certificate = search(problem, progress=progress, effort=effort)
    if certificate is None:
        raise _no_solution(problem)
    return certificate


def _is_listed(problem: Problem) -> bool:
    return math.prod(problem.shape) <= LISTED_NODES and len(problem.shape) <= LISTED_ATTRIBUTES


def _require_settings(k: int, suppression_limit: float, *, least_k: int = 2) -> None:
    if k < least_k:
        raise PolicyError(
            "policy.k",
            what=f"k is {k}",
            why="a class of one person hides nobody, unless a model says how many people are hidden otherwise",
            fix="choose k of 2 or more; or k of 1 beside k-map, a uniqueness or the no-attack model",
        )
    if not 0.0 <= suppression_limit <= 1.0:
        raise PolicyError(
            "policy.suppression-limit",
            what="the suppression limit is not between 0 and 1",
            why="it is a share of the rows, never a percentage",
            fix="write 0.02 for two percent",
        )


def _require_people(histogram: Histogram, k: int) -> None:
    if histogram.people < k:
        raise DataError(
            "data.too-few-people",
            what=f"the table holds fewer than k = {k} people",
            why="not even the whole table as one class would meet k",
            fix=f"choose k of at most {histogram.people}, or add people" if histogram.people > 1 else "add people",
        )


def _require_known(histogram: Histogram) -> None:
    if histogram.unseen_records == histogram.records:
        raise DataError(
            "data.no-solution",
            what=f"each of the {histogram.records} rows holds a value that a hierarchy does not know",
            why="rows with such values are suppressed, and a release may not be empty",
            fix="give each column its own hierarchy, spelled as the data are; `niji hierarchy coverage` counts what is unknown",
        )


def _no_solution(problem: Problem) -> DataError:
    table, failing = classes_at(problem, tuple(size - 1 for size in problem.shape))
    counts = counts_of(problem, table)
    failed = [criterion for criterion in problem.criteria if criterion.failing(counts).any()]
    pays = [criterion for criterion in failed if isinstance(criterion, PublishingPays)]
    if pays:  # at the coarsest levels nothing is left, and nothing pays
        return _no_release(pays, [])
    may_lose = max(problem.may_suppress - problem.histogram.unseen_records, 0)
    nearest = [nearest_setting(criterion, counts, may_lose=may_lose) for criterion in failed]
    suppressed = int(table.rows[failing].sum()) + problem.histogram.unseen_records
    records = problem.histogram.records
    together = failed_together(problem, counts, ~failing) if problem.is_allowed(suppressed) else ()
    if together:
        return _no_release(together, [criterion.nearest(counts, ~failing) for criterion in together])
    needed = math.ceil(suppressed / records * 10_000) / 10_000
    models = ", ".join(criterion.name for criterion in failed) if failed else "the suppression of unseen values"
    possible = suppressed < records
    return DataError(
        "data.no-solution",
        what=f"even at the coarsest levels {suppressed} of {records} rows fail {models}, "
        f"and {problem.may_suppress} may be suppressed",
        why="a release must meet every model within its suppression limit, and may not be empty"
        + ("" if _is_listed(problem) else "; the lattice is too large to list, so not every node was looked at"),
        fix=(f"allow a suppression limit of {needed}, free" if possible else "free")
        + " the fixed levels, add hierarchies, or ask less of the models"
        + "".join(f"; alone, the coarsest levels meet {setting}" for setting in nearest if setting),
    )


def _no_release(failed: Sequence[TableCriterion | PublishingPays], nearest: Sequence[str | None]) -> DataError:
    """Return the error for models that are not met at the coarsest levels first: of classes together, or of what is left."""
    return DataError(
        "data.no-solution",
        what=f"no choice of levels meets {', '.join(criterion.name for criterion in failed)}; "
        "the coarsest levels do not either",
        why="a release must meet every model, those of its classes together as well",
        fix="free the fixed levels, add hierarchies, or ask less of the models"
        + "".join(f"; alone, the coarsest levels meet {setting}" for setting in nearest if setting),
    )


def classes_at(problem: Problem, node: Node) -> tuple[ClassTable, np.ndarray]:
    """Return the classes of a node, and which of them would be suppressed."""
    table, _ = roll_up(bottom_table(problem.histogram), node, LabelMaps(problem.histogram.attributes))
    return table, failing_classes(problem, counts_of(problem, table))


def _publish(rows: "ibis.Table", problem: Problem, certificate: Certificate, *, metric: Metric) -> Generalized:
    histogram = problem.histogram
    table, failing = classes_at(problem, certificate.node)
    counts = counts_of(problem, table)
    sizes = spectrum_of(counts.people[~failing], table.rows[~failing])
    levels = [attribute.levels[i] for attribute, i in zip(histogram.attributes, certificate.node, strict=True)]
    return Generalized(
        rows=_apply(rows, histogram, certificate.node, kept=_kept_classes(table, failing)),
        node={attribute.column: level for attribute, level in zip(histogram.attributes, levels, strict=True)},
        loss=certificate.loss,
        classes=sizes.class_count,
        suppressed_records=histogram.records - sizes.record_count,
        records=histogram.records,
        people=histogram.people,
        k_reached=sizes.k,
        checks=len(certificate.checks),
        gap=certificate.gap,
        metric=metric.name,
        table_models=tuple(criterion.name for criterion in problem.table_criteria),
        class_sizes=sizes,
        problem=problem,
        certificate=certificate,
    )


def _kept_classes(table: ClassTable, failing: np.ndarray) -> "pa.Table | None":
    """Return the label codes of the classes that are published, or None when all are."""
    if not failing.any():
        return None
    import pyarrow as pa

    return pa.table({f"__niji_kept_{j}": codes[~failing] for j, codes in enumerate(table.codes)})


def _apply(rows: "ibis.Table", histogram: Histogram, node: Node, *, kept: "pa.Table | None") -> "ibis.Table":
    """Replace values by labels and drop what is suppressed, by joins with mapping tables.

    All mappings are joined in one chain: a query inside a query for each column is deeper than can be compiled at thirty.
    """
    import ibis

    joined = rows
    for j, index in enumerate(node):
        if not _says_nothing(histogram, j, index):
            labels = _label_table(histogram, j, index)
            value = as_text(rows[histogram.attributes[j].column])
            joined = joined.left_join(labels, value == labels[VALUE.format(j)])
    coded = joined.mutate(**{CODE.format(j): _code(joined, histogram, j, index) for j, index in enumerate(node)})
    # A value that the hierarchy does not know has no code, and its row goes.
    result = coded.filter([coded[CODE.format(j)].notnull() for j in range(len(node))])
    if kept is not None:
        classes = ibis.memtable(kept)
        same = [result[CODE.format(j)] == classes[f"__niji_kept_{j}"] for j in range(len(node))]
        result = result.semi_join(classes, same)
    named = {
        attribute.column: ibis.literal(ROOT) if _is_root(histogram, j, index) else result[LABEL.format(j)]
        for j, (attribute, index) in enumerate(zip(histogram.attributes, node, strict=True))
        if not attribute.is_plain
    }
    return (result.mutate(**named) if named else result).select(*rows.columns)


def _is_root(histogram: Histogram, j: int, index: int) -> bool:
    return histogram.attributes[j].levels[index] == histogram.hierarchies[j].height - 1


def _says_nothing(histogram: Histogram, j: int, index: int) -> bool:
    """Whether a column is `*` for every row, whatever its value, so that nothing needs to be looked up."""
    return _is_root(histogram, j, index) and histogram.hierarchies[j].on_unseen == "refuse"


def _label_table(histogram: Histogram, j: int, index: int) -> "ibis.Table":
    import ibis
    import pyarrow as pa

    attribute = histogram.attributes[j]
    mapping = histogram.hierarchies[j].mapping(attribute.levels[index])
    columns = [mapping.column("value"), mapping.column("label"), attribute.label_of[index][:-1]]
    return ibis.memtable(pa.table(columns, names=[VALUE.format(j), LABEL.format(j), OF.format(j)]))


def _code(joined: "ibis.Table", histogram: Histogram, j: int, index: int) -> "ibis.Value":
    """Return the label code of a row: null where its value is unknown."""
    import ibis

    attribute = histogram.attributes[j]
    if _says_nothing(histogram, j, index):
        return ibis.literal(0, "int64")
    missing = ibis.literal(int(attribute.label_of[index][-1]), "int64")
    return joined[attribute.column].isnull().ifelse(missing, joined[OF.format(j)])
