"""Query error: how wrong count queries come out when they are asked of the release.

A query counts rows that meet a condition on each of one or more quasi-identifiers. Who has the release answers it by
spreading each row evenly over the values under its label.

Source: LeFevre, DeWitt, Ramakrishnan, Workload-aware anonymization, ACM TODS 33(3), 2008; Xiao, Tao, Anatomy, VLDB
2006 (relative error of count queries, median); the floor of 0.1 % of the rows under the relative error: Xiao, Wang,
Gehrke, Differential privacy via wavelet transforms, ICDE 2010, section 7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anonymization.loss import FloatArray
from anonymization.utility.compared import Compared
from anonymization.utility.coverage import ComparedAttribute
from policies.errors import PolicyError

FLOOR = 0.001
"""A relative error is taken over at least this share of the rows, so that a query for three people does not rule the rest."""
PARTS = 4
"""Into so many parts of neighboring values each attribute is cut where no query is declared."""


@dataclass(frozen=True, slots=True)
class Between:
    """The condition that a numeric value is from `low` to `high`, both included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CountQuery:
    """How many rows have, in each column of `where`, one of the values named there or a number between."""

    name: str
    where: Mapping[str, Sequence[str] | Between]


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """What a query counts in the source, what the release makes of it, and the relative error."""

    name: str
    before: int
    after: float
    error: float


@dataclass(frozen=True, slots=True)
class QueryError:
    """Relative errors over a workload. `is_declared` says that its queries were declared; `answers` has those alone."""

    queries: int
    mean: float
    median: float
    p95: float
    is_declared: bool
    answers: tuple[QueryAnswer, ...]


def query_error(compared: Compared, *, queries: Sequence[CountQuery] = ()) -> QueryError:
    """Return how wrong queries come out, suppressed rows missing from every answer.

    Args:
        compared: Before and after.
        queries: What is asked. Without any, each attribute is cut into four parts of neighboring leaves, and all parts
            and all pairs of parts of two attributes are asked for.

    Raises:
        PolicyError: A query names a column, value or range that no quasi-identifier has.
    """
    if not queries:
        before, after = _default_answers(compared)
        return _summary(compared, before, after, is_declared=False, names=())
    before, after = np.zeros(len(queries)), np.zeros(len(queries))
    for i, query in enumerate(queries):
        before[i], after[i] = _answers(compared, query)
    return _summary(compared, before, after, is_declared=True, names=[query.name for query in queries])


def _summary(
    compared: Compared, before: FloatArray, after: FloatArray, *, is_declared: bool, names: Sequence[str]
) -> QueryError:
    errors = np.abs(after - before) / np.maximum(before, FLOOR * compared.records)
    answers = zip(names, before, after, errors, strict=True) if is_declared else ()
    return QueryError(
        queries=len(before),
        mean=float(errors.mean()),
        median=float(np.median(errors)),
        p95=float(np.quantile(errors, 0.95)),
        is_declared=is_declared,
        answers=tuple(QueryAnswer(name, round(n), float(m), float(error)) for name, n, m, error in answers),
    )


def _answers(compared: Compared, query: CountQuery) -> tuple[float, float]:
    before = compared.rows.astype(np.float64)
    after = compared.class_rows.astype(np.float64)
    place = {attribute.column: j for j, attribute in enumerate(compared.attributes)}
    for column, condition in query.where.items():
        if column not in place:
            raise PolicyError(
                "policy.query-column",
                what=f"query '{query.name}' names '{column}', which is no quasi-identifier",
                why="the error of a query is known for what was generalized",
                fix=f"name one of: {', '.join(place)}",
            )
        j = place[column]
        chosen = _chosen(compared.attributes[j], condition, query=query.name)
        before *= chosen[compared.source[j]]
        after *= (compared.attributes[j].shares() @ chosen)[compared.class_labels(j)]
    return float(before.sum()), float(after.sum())


def _chosen(attribute: ComparedAttribute, condition: Sequence[str] | Between, *, query: str) -> FloatArray:
    """Return 1 for each point that meets a condition, 0 for the others; a missing value meets none."""
    if isinstance(condition, Between):
        numbers = attribute.numbers()
        if numbers is None or not condition.low <= condition.high:
            raise PolicyError(
                "policy.query-range",
                what=f"query '{query}' asks for a range of '{attribute.column}' that cannot be",
                why="a range needs numbers, the lower end first",
                fix="name the values one by one, or correct the ends",
            )
        return ((numbers >= condition.low) & (numbers <= condition.high)).astype(np.float64)
    unknown = {*condition} - {point for point in attribute.points if point is not None}
    if unknown:
        raise PolicyError(
            "policy.query-value",
            what=f"query '{query}' names {len(unknown)} value(s) of '{attribute.column}' that are in no row or hierarchy",
            why="such a query counts nobody, before and after",
            fix="correct the values",
        )
    return np.array([point is not None and point in condition for point in attribute.points], np.float64)


def _default_answers(compared: Compared) -> tuple[FloatArray, FloatArray]:
    before, after, of = [], [], []
    for j, attribute in enumerate(compared.attributes):
        parts = _parts(attribute)
        before.append(parts[compared.source[j]])
        after.append((attribute.shares() @ parts)[compared.class_labels(j)])
        of += [j] * parts.shape[1]
    exact, expected = np.concatenate(before, axis=1), np.concatenate(after, axis=1)
    pairs = np.triu(np.not_equal.outer(of, of)) | np.eye(len(of), dtype=bool)
    crossed = [(table * rows[:, None]).T @ table for table, rows in (
        (exact, compared.rows), (expected, compared.class_rows))]  # fmt: skip
    return np.asarray(crossed[0][pairs], np.float64), np.asarray(crossed[1][pairs], np.float64)


def _parts(attribute: ComparedAttribute) -> FloatArray:
    """Return a column for each part of an attribute's leaves, 1 for the points in it: by number, else as written."""
    order: Any = np.arange(attribute.domain)
    numbers = attribute.numbers()
    if numbers is not None:
        order = np.argsort(numbers[: attribute.domain], kind="stable")
    parts = [part for part in np.array_split(order, min(PARTS, attribute.domain)) if len(part)]
    table = np.zeros((len(attribute.points), len(parts)))
    for number, part in enumerate(parts):
        table[part, number] = 1.0
    return table
