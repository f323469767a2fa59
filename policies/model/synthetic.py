"""Synthetic people as a release method: a public domain, marginals to measure, and criteria that the rows must keep.

Everything here is public: values, edges, impossible combinations and thresholds carry the source they were taken from.
There is no seed to write, because the draw is never repeated.
"""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.dp_budget import DpBudget, ExactOutput
from policies.model.strictness import ColumnName, Exact, Name, PolicyModel, Text

Source = Annotated[str, Field(min_length=4)]
Share = Annotated[Exact, Field(gt=Decimal(0), le=Decimal(1))]
AtMost = Annotated[Exact, Field(ge=Decimal(0), lt=Decimal(2))]
Columns = Annotated[tuple[ColumnName, ...], Field(min_length=1)]
HAS = ("no", "yes")
"""The values of a column that says whether a person has one of some codes."""


class Feature(PolicyModel):
    """One value of a person's own rows in another table: how many rows, the least or greatest of a column, or whether a code.

    It looks at no other person's rows, so that removing a person changes nobody else. A person without rows there has
    `rows` and `distinct` 0, `has` no, and no `least` or `greatest`.
    """

    table: Name
    of: Literal["rows", "distinct", "least", "greatest", "has"]
    value: ColumnName | None = None
    codes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _asked_with_what_it_needs(self) -> Self:
        if (self.of == "rows") != (self.value is None) or (self.of == "has") != (self.codes is not None):
            msg = "`rows` takes no `value`, every other feature one; `codes` belong to `has`, and `has` needs them"
            raise ValueError(msg)
        return self


class LabelColumn(PolicyModel):
    """A column with declared values; null and what is not declared become one category of their own, missing."""

    kind: Literal["labels"]
    column: ColumnName
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    source: Source
    title: Text | None = None
    feature: Feature | None = None

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if len(set(self.values)) != len(self.values):
            msg = "a value stands twice in `values`"
            raise ValueError(msg)
        if self.feature is not None and (self.feature.of != "has" or self.values != HAS):
            msg = "a feature of labels is `has`, with the values no and yes; the others are numbers"
            raise ValueError(msg)
        return self


class NumberColumn(PolicyModel):
    """A number in bins [edge, next edge) on public edges; a synthetic number is drawn on `grid` within its bin.

    A column's own value outside all bins is missing. A feature is clipped to the edges instead: the last bin of a number of
    visits holds all that are more.
    """

    kind: Literal["numbers"]
    column: ColumnName
    edges: Annotated[tuple[Exact, ...], Field(min_length=2, max_length=1001)]
    grid: Annotated[Exact, Field(gt=Decimal(0))]
    source: Source
    title: Text | None = None
    feature: Feature | None = None

    @model_validator(mode="after")
    def _on_the_grid(self) -> Self:
        if any(low >= high for low, high in pairwise(self.edges)):
            msg = "`edges` must rise, each written once"
            raise ValueError(msg)
        if any(edge % self.grid for edge in self.edges):
            msg = "every edge must be a multiple of `grid`"
            raise ValueError(msg)
        if self.feature is not None and self.feature.of == "has":
            msg = "`has` makes labels, no numbers"
            raise ValueError(msg)
        return self


SyntheticColumn = Annotated[LabelColumn | NumberColumn, Field(discriminator="kind")]


class Impossible(PolicyModel):
    """Combinations that cannot be, such as (male, pregnant), known without the data: no synthetic row has one.

    Labels are written as the domain reads them: a value, a bin such as `[0, 18)`, or null for missing.
    """

    columns: Columns
    combinations: Annotated[tuple[tuple[str | None, ...], ...], Field(min_length=1)]
    source: Source

    @model_validator(mode="after")
    def _as_wide_as_its_columns(self) -> Self:
        if any(len(combination) != len(self.columns) for combination in self.combinations):
            msg = "a combination has as many labels as `columns`"
            raise ValueError(msg)
        return self


class Selection(PolicyModel):
    """Rounds that choose one more marginal each by noisy maximum, and measure it (AIM); paid by `selection_share`."""

    rounds: Annotated[int, Field(ge=1, le=100)]
    most_columns: Annotated[int, Field(ge=2, le=3)] = 2


class MarginalError(PolicyModel):
    """The L1 distance a person (0 to 2) between real and synthetic counts over each group of columns."""

    criterion: Literal["marginals"]
    groups: Annotated[tuple[Columns, ...], Field(min_length=1)]
    at_most: AtMost
    source: Source


class ConditionalMeans(PolicyModel):
    """How far the mean of a number in each group of people is from that of the synthetic rows, as a share of its range."""

    criterion: Literal["conditional_means"]
    of: ColumnName
    by: Columns
    at_most: AtMost
    source: Source


class RegressionError(PolicyModel):
    """How far real people's residuals from the least-squares line of the synthetic rows still go with an explaining column.

    The largest mean of column times residual, over the columns on a scale of 0 to 1, as a share of the range of `of`; zero for
    the people's own line (the normal equations).
    """

    criterion: Literal["regression"]
    of: ColumnName
    on: Columns
    at_most: AtMost
    source: Source


class Faithfulness(PolicyModel):
    """The share of people whom no synthetic row is like: none that differs in at most so many of these columns."""

    criterion: Literal["faithfulness"]
    columns: Columns
    differing_at_most: Annotated[int, Field(ge=0, le=2)]
    at_most: AtMost
    source: Source


class FacePrivacy(PolicyModel):
    """The share of synthetic rows that fewer than so many rows share in these columns; it reads no person and costs nothing."""

    criterion: Literal["face_privacy"]
    columns: Columns
    rows_at_least: Annotated[int, Field(ge=2)]
    at_most: AtMost
    source: Source


PaidCriterion = MarginalError | ConditionalMeans | RegressionError | Faithfulness
"""Criteria that read real people: each is a noisy number, paid by `acceptance_share`."""

Criterion = Annotated[
    MarginalError | ConditionalMeans | RegressionError | Faithfulness | FacePrivacy, Field(discriminator="criterion")
]


class DpSynthetic(PolicyModel):
    """Rows of people who do not exist, drawn from a distribution that was fitted to noisy marginals; one row a person.

    Every column is measured alone with `columns_share` of the loss, the cliques with `cliques_share`; what selection and
    acceptance cost is declared likewise, and the shares sum to 1. Without `rows` as many people are drawn as the noisy
    counts say. A release whose rows miss a criterion is not published, and its charge stays.

    Source: McKenna et al., Private-PGM (2019) and AIM (2022); criteria after Hod & Canetti, arXiv 2405.00267.
    """

    kind: Literal["dp_synthetic"]
    unit: Literal["person"]
    neighbouring: Literal["add_remove"]
    accountant: Literal["zcdp"]
    mechanism: Literal["discrete_gaussian"]
    budget: DpBudget
    name: Name
    title: Text
    table: Name
    columns: Annotated[tuple[SyntheticColumn, ...], Field(min_length=2)]
    impossible: tuple[Impossible, ...] = ()
    cliques: tuple[Annotated[tuple[ColumnName, ...], Field(min_length=2)], ...] = ()
    cliques_source: Source
    columns_share: Share
    cliques_share: Share | None = None
    selection_share: Share | None = None
    selection: Selection | None = None
    acceptance_share: Share | None = None
    acceptance: Annotated[tuple[Criterion, ...], Field(min_length=1)] | None = None
    rows: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    exact_beside: tuple[ExactOutput, ...] | None = None

    @property
    def paid(self) -> tuple[PaidCriterion, ...]:
        """The criteria that read real people."""
        return tuple(one for one in self.acceptance or () if not isinstance(one, FacePrivacy))

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        shares = (self.columns_share, self.cliques_share, self.selection_share, self.acceptance_share)
        if sum((share for share in shares if share is not None), Decimal(0)) != 1:
            msg = "`columns_share`, `cliques_share`, `selection_share` and `acceptance_share` must sum to 1"
            raise ValueError(msg)
        if bool(self.cliques) != (self.cliques_share is not None):
            msg = "`cliques` need a `cliques_share`, and it needs them"
            raise ValueError(msg)
        if (self.selection is None) != (self.selection_share is None):
            msg = "`selection` needs a `selection_share`, and it needs a `selection`"
            raise ValueError(msg)
        if self.paid and self.acceptance_share is None:
            msg = "a criterion that reads real people must be paid: write an `acceptance_share`"
            raise ValueError(msg)
        if not self.paid and self.acceptance_share is not None:
            msg = "`acceptance_share` pays for nothing: no criterion reads real people"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [column.column for column in self.columns]
        if len(set(names)) != len(names):
            msg = "a column stands twice in `columns`"
            raise ValueError(msg)
        groups = [
            *self.cliques,
            *(group.columns for group in self.impossible),
            *(group for one in self.acceptance or () for group in groups_of(one)),
        ]
        if any(not set(group) <= set(names) or len(set(group)) != len(group) for group in groups):
            msg = "a clique, an impossible combination or a criterion names a column that is not in `columns`, or one twice"
            raise ValueError(msg)
        if len({frozenset(clique) for clique in self.cliques}) != len(self.cliques):
            msg = "a clique stands twice in `cliques`; it would be paid twice"
            raise ValueError(msg)
        if any(column.feature is not None and column.title is None for column in self.columns):
            msg = "a feature is no column of the dataset: give it a `title`"
            raise ValueError(msg)
        numbers = {column.column for column in self.columns if isinstance(column, NumberColumn)}
        outcomes = {one.of for one in self.paid if isinstance(one, ConditionalMeans | RegressionError)}
        if not outcomes <= numbers:
            msg = "`of` of a criterion names a column of numbers"
            raise ValueError(msg)
        return self


def groups_of(criterion: Criterion) -> tuple[tuple[ColumnName, ...], ...]:
    """Return the groups of columns that a criterion names."""
    match criterion:
        case MarginalError():
            return criterion.groups
        case ConditionalMeans():
            return ((criterion.of, *criterion.by),)
        case RegressionError():
            return ((criterion.of, *criterion.on),)
        case _:
            return (criterion.columns,)
