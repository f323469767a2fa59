"""What a differentially private query of a kind beyond counts, sums and means is asked with: edges, status, predictors.

All of it is public and data-free: edges, codes and ranges carry the source that they were taken from.
"""

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import ColumnName, Exact, PolicyModel

Statistic = Literal[
    "people",
    "rows",
    "sum",
    "mean",
    "variance",
    "histogram",
    "quantiles",
    "marginals",
    "survival",
    "top",
    "most_frequent",
    "regression",
    "logistic_regression",
]
"""The closed vocabulary of questions; each is compiled to one noisy vector, a mean to two, `most_frequent` to one choice."""

PostProcessing = Literal["clamp0", "consistency"]
"""What is done to noisy numbers before they are called values; costs nothing and is said beside them."""


class Clip(PolicyModel):
    """The public range a value is clipped to, and the grid it is rounded to before summing."""

    low: Exact
    high: Exact
    grid: Annotated[Exact, Field(gt=Decimal(0))]
    source: Annotated[str, Field(min_length=4)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            msg = "`low` must be below `high`"
            raise ValueError(msg)
        return self


class PublicEdges(PolicyModel):
    """The edges of bins, in rising order: n edges make n - 1 bins, each from its edge up to the next, the last closed."""

    values: Annotated[tuple[Exact, ...], Field(min_length=2, max_length=10_001)]
    source: Annotated[str, Field(min_length=4)]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(low >= high for low, high in pairwise(self.values)):
            msg = "`values` of edges must rise, each written once"
            raise ValueError(msg)
        return self


class Status(PolicyModel):
    """The column that says whether the time is that of an event or of the end of observation, and its public codes."""

    column: ColumnName
    observed: Annotated[tuple[str, ...], Field(min_length=1)]
    censored: Annotated[tuple[str, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=4)]

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        codes = (*self.observed, *self.censored)
        if len(set(codes)) != len(codes):
            msg = "a code stands twice in `observed` and `censored`"
            raise ValueError(msg)
        return self


class Outcome(PolicyModel):
    """The binary outcome of a logistic regression: a column, and its public codes of an event and of none."""

    column: ColumnName
    event: Annotated[tuple[str, ...], Field(min_length=1)]
    no_event: Annotated[tuple[str, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=4)]

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        codes = (*self.event, *self.no_event)
        if len(set(codes)) != len(codes):
            msg = "a code stands twice in `event` and `no_event`"
            raise ValueError(msg)
        return self


class Predictor(PolicyModel):
    """A column that a regression explains the outcome by, with its public range."""

    column: ColumnName
    clip: Clip


ASKED_WITH: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "people": frozenset(),
        "rows": frozenset(),
        "sum": frozenset({"value", "clip"}),
        "mean": frozenset({"value", "clip"}),
        "variance": frozenset({"value", "clip"}),
        "histogram": frozenset({"value", "edges"}),
        "quantiles": frozenset({"value", "edges", "probabilities"}),
        "marginals": frozenset({"marginals"}),
        "survival": frozenset({"value", "edges", "status"}),
        "top": frozenset({"top"}),
        "most_frequent": frozenset({"top"}),
        "regression": frozenset({"value", "clip", "predictors"}),
        "logistic_regression": frozenset({"outcome", "predictors"}),
    }
)
"""The keys that each statistic needs, of those that not all take; it takes no other of them."""

SPECIAL: tuple[str, ...] = (
    "value",
    "clip",
    "edges",
    "probabilities",
    "marginals",
    "status",
    "top",
    "outcome",
    "predictors",
)
"""The keys that belong to some statistics only."""

POST_PROCESSED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "people": frozenset({"clamp0"}),
        "rows": frozenset({"clamp0"}),
        "histogram": frozenset({"clamp0"}),
        "marginals": frozenset({"clamp0", "consistency"}),
    }
)
"""The post-processing that each statistic may declare; of the others it is fixed and documented."""

PUBLISHED: Mapping[str, Mapping[str, Literal["text", "integer", "decimal"]]] = MappingProxyType(
    {
        "people": {"noisy": "integer", "value": "integer", "error_95": "decimal"},
        "rows": {"noisy": "integer", "value": "integer", "error_95": "decimal"},
        "sum": {"noisy": "decimal", "value": "decimal", "error_95": "decimal"},
        "mean": {
            "noisy_sum": "decimal",
            "noisy_count": "integer",
            "noisy": "decimal",
            "value": "decimal",
            "error_95": "decimal",
        },
        "variance": {
            "noisy_count": "decimal",
            "noisy_sum": "decimal",
            "noisy_squares": "decimal",
            "noisy": "decimal",
            "value": "decimal",
            "error_95": "decimal",
        },
        "histogram": {
            "low": "decimal",
            "high": "decimal",
            "noisy": "integer",
            "value": "integer",
            "error_95": "decimal",
        },
        "quantiles": {
            "probability": "decimal",
            "noisy_count": "integer",
            "value": "decimal",
            "low_95": "decimal",
            "high_95": "decimal",
            "error_95": "decimal",
        },
        "marginals": {"margin": "text", "noisy": "integer", "value": "decimal", "error_95": "decimal"},
        "survival": {
            "low": "decimal",
            "high": "decimal",
            "noisy_at_risk": "integer",
            "noisy_events": "integer",
            "noisy_censored": "integer",
            "value": "decimal",
            "error_95": "decimal",
        },
        "top": {"rank": "integer", "noisy": "integer", "value": "integer", "error_95": "decimal"},
        "most_frequent": {"rank": "integer", "error_95": "decimal"},
        "regression": {"term": "text", "noisy_count": "decimal", "value": "decimal", "error_95": "decimal"},
        "logistic_regression": {
            "term": "text",
            "noisy_count": "integer",
            "noisy_events": "integer",
            "value": "decimal",
            "error_95": "decimal",
            "sampling_error_95": "decimal",
        },
    }
)
"""The columns that each statistic publishes beside its keys, in order, and what they hold."""
