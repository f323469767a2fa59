"""How a release is made safe; one class a method, told apart by `kind:`.

Every number that an attacker could turn into information about a person (bounds, clips, keys, grids) carries a
`source`, because it must not come from the data.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.dp_budget import DpBudget as DpBudget
from policies.model.dp_budget import ExactOutput as ExactOutput
from policies.model.dp_queries import (
    ASKED_WITH,
    POST_PROCESSED,
    PUBLISHED,
    SPECIAL,
    Outcome,
    PostProcessing,
    Predictor,
    PublicEdges,
    Statistic,
    Status,
)
from policies.model.dp_queries import (
    Clip as Clip,
)
from policies.model.events import Events, Household
from policies.model.loss import LeastLoss
from policies.model.municipality import Municipality
from policies.model.private_keys import PRIVATELY_KEYED, PrivateColumn, PrivateKeys
from policies.model.risk_models import NoAttack, WrittenRisk
from policies.model.sensitive import WrittenModel
from policies.model.strictness import ColumnName, Exact, Name, PolicyModel, Ratio, Text
from policies.model.synthetic import DpSynthetic as DpSynthetic


class Microdata(PolicyModel):
    """Row-level anonymized data: k-anonymity, counted in people, and models of what a class tells of sensitive columns.

    `record` is the table whose rows are the records; the columns of a person table join it, the tables that name its
    record key become details of it. Rows of one person are not linkable in the output. `quasi_identifiers` and
    `sensitive` name output columns of the record table. `max_record_risk` must be at least 1/k (rule CONS-01). `recoding`
    `global` (or nothing) gives each column one level for the whole table; `local` generalizes each class only as far as
    it needs, so that far less is lost, and one column holds labels of different coarseness. `record` may be a person table: then a
    record is a person, and event tables of its dataset are details by the person's key. `events` says what holds of codes and dates
    of visits. With `household`, k counts households, so that people of one family do not make a class.
    `risks` asks for more than k of who could be found: a lower average, or an attack that never pays. `loss` says which
    columns matter more where levels are chosen; without it all matter the same.
    """

    kind: Literal["microdata"]
    record: Name
    quasi_identifiers: Annotated[tuple[ColumnName, ...], Field(min_length=1)]
    k: Annotated[int, Field(ge=2)]
    sensitive: tuple[WrittenModel, ...] = ()
    suppression_limit: Ratio
    recoding: Literal["global", "local"] | None = None
    risks: Annotated[tuple[WrittenRisk, ...], Field(min_length=1)] | None = None
    loss: LeastLoss | None = None
    events: Events | None = None
    household: Household | None = None
    max_record_risk: Annotated[float, Field(gt=0, le=1)]
    basis: Literal["institutional_choice"] = "institutional_choice"
    approved_by: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _risks_can_be_judged(self) -> Self:
        risks = self.risks or ()
        if risks and self.recoding == "local":
            msg = "`risks` needs `recoding: global`: models of a release as a whole are not judged with local recoding"
            raise ValueError(msg)
        if len({model.model for model in risks}) != len(risks):
            msg = "a model stands twice in `risks`; keep the stricter one"
            raise ValueError(msg)
        if any(isinstance(model, NoAttack) and model.attacker == "journalist" for model in risks):
            msg = (
                "`attacker: journalist` needs a population table, which a release policy cannot name; use `prosecutor`"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _loss_fits(self) -> Self:
        if self.loss is None:
            return self
        msg = self.loss.fault(self.quasi_identifiers)
        if self.recoding == "local":
            msg = "`loss` needs `recoding: global`: local recoding has a measure of its own"
        if msg is not None:
            raise ValueError(msg)
        return self

    @property
    def event_columns(self) -> tuple[tuple[str, str], ...]:
        """The (table, output column) pairs that `events` names, in the order written."""
        return self.events.columns if self.events else ()


class PublicKeys(PolicyModel):
    """The values a grouping column may take, known without looking at the data."""

    column: ColumnName
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=4)]


Probability = Annotated[Exact, Field(gt=Decimal(0), lt=Decimal(1))]
"""Which quantile: '0.5' is the median."""


class ContributionBounds(PolicyModel):
    """How much one person may contribute to one query: cells, and rows in each cell."""

    cells_per_person: Annotated[int, Field(ge=1)]
    rows_per_person_per_cell: Annotated[int, Field(ge=1)] = 1
    source: Annotated[str, Field(min_length=4)]


class DpQuery(PolicyModel):
    """One noisy table by public keys: counts, sums, means, variances, histograms, quantiles, margins, survival, top, regression.

    `by` names output columns of the release's tables; empty cells are published like all others. Counts of people and rows
    may go by `private_keys` as well, which are named only above a threshold. `rho_share` is this
    query's share of the release's loss; the shares of a release sum to 1. Which other keys a statistic needs is in
    `ASKED_WITH`. `where` names the cohort: only rows with one of its public values in each of its columns count.
    `post_processing` declares what is done to noisy counts before they are called values; left out, counts
    are held at 0 or more, and margins made consistent as well.
    """

    name: Name
    title: Text
    statistic: Statistic
    table: Name
    by: tuple[PublicKeys, ...]
    private_keys: PrivateKeys | None = None
    where: Annotated[tuple[PublicKeys, ...], Field(min_length=1)] | None = None
    bounds: ContributionBounds
    value: ColumnName | None = None
    clip: Clip | None = None
    edges: PublicEdges | None = None
    probabilities: Annotated[tuple[Probability, ...], Field(min_length=1, max_length=99)] | None = None
    marginals: (
        Annotated[tuple[Annotated[tuple[ColumnName, ...], Field(min_length=1)], ...], Field(min_length=1)] | None
    ) = None
    status: Status | None = None
    top: Annotated[int, Field(ge=1)] | None = None
    outcome: Outcome | None = None
    predictors: Annotated[tuple[Predictor, ...], Field(min_length=1, max_length=10)] | None = None
    post_processing: tuple[PostProcessing, ...] | None = None
    rho_share: Annotated[Exact, Field(gt=Decimal(0), le=Decimal(1))]

    @model_validator(mode="after")
    def _has_what_it_is_asked_with(self) -> Self:
        needed = ASKED_WITH[self.statistic]
        missing = [key for key in SPECIAL if key in needed and getattr(self, key) is None]
        surplus = [key for key in SPECIAL if key not in needed and getattr(self, key) is not None]
        if missing:
            msg = f"`{self.statistic}` needs {', '.join(f'`{key}`' for key in missing)}"
            raise ValueError(msg)
        if surplus:
            msg = f"`{self.statistic}` takes no {', '.join(f'`{key}`' for key in surplus)}"
            raise ValueError(msg)
        if not set(self.post_processing or ()) <= POST_PROCESSED.get(self.statistic, frozenset()):
            msg = f"`{self.statistic}` takes no such `post_processing`; `consistency` is for marginals, `clamp0` for counts"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        by = {key.column for key in self.by}
        margins = self.marginals or ()
        if any(not set(margin) <= by or len(set(margin)) != len(margin) for margin in margins):
            msg = "a margin names a column that is not in `by`, or one twice"
            raise ValueError(msg)
        if len({frozenset(margin) for margin in margins}) != len(margins):
            msg = "a margin stands twice in `marginals`; it would be paid twice"
            raise ValueError(msg)
        if margins and by != {column for margin in margins for column in margin}:
            msg = "`by` names a column that is in no margin"
            raise ValueError(msg)
        predictors = [predictor.column for predictor in self.predictors or ()]
        cohort = [key.column for key in self.where or ()]
        if len(set(cohort)) != len(cohort) or by & set(cohort):
            msg = "`where` names a column twice, or one of `by`; there, list fewer values"
            raise ValueError(msg)
        outcome = self.outcome.column if self.outcome else self.value
        if len(set(predictors)) != len(predictors) or outcome in predictors:
            msg = "a predictor stands twice, or is the outcome"
            raise ValueError(msg)
        if self.statistic in {"top", "most_frequent"} and not self.by:
            msg = f"`{self.statistic}` needs a key in `by`"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _keys_are_told_apart(self) -> Self:
        private = [key.column for key in self.private_columns]
        if private and self.statistic not in PRIVATELY_KEYED:
            msg = (
                f"`{self.statistic}` takes no `private_keys`: a threshold names counts, so only `people` and `rows` do"
            )
            raise ValueError(msg)
        others = {key.column for key in (*self.by, *(self.where or ()))}
        if len(set(private)) != len(private) or others & set(private):
            msg = "`private_keys` names a column twice, or one of `by` or `where`; a column with a list is public"
            raise ValueError(msg)
        figures = sorted(set(self.grouped) & set(PUBLISHED[self.statistic]))
        if figures:
            msg = f"a grouping column is named like a published figure ({', '.join(figures)}); give it another name (`as`)"
            raise ValueError(msg)
        return self

    @property
    def private_columns(self) -> tuple[PrivateColumn, ...]:
        """The grouping columns whose values nobody listed, in the order written."""
        return self.private_keys.columns if self.private_keys else ()

    @property
    def grouped(self) -> tuple[str, ...]:
        """The names of all grouping columns, public ones first: the key columns of the published table."""
        return (*(key.column for key in self.by), *(key.column for key in self.private_columns))


class DpStatistics(PolicyModel):
    """Noisy tables under zCDP; the unit is a person with all rows, neighbours differ by one person added or removed.

    `exact_beside` names every release of the same datasets that is not differentially private; it is shown with the loss.
    """

    kind: Literal["dp_statistics"]
    unit: Literal["person"]
    neighbouring: Literal["add_remove"]
    accountant: Literal["zcdp"]
    mechanism: Literal["discrete_gaussian"]
    budget: DpBudget
    queries: Annotated[tuple[DpQuery, ...], Field(min_length=1)]
    exact_beside: tuple[ExactOutput, ...] | None = None

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        if sum((query.rho_share for query in self.queries), Decimal(0)) != 1:
            msg = "the `rho_share` of all queries must sum to 1"
            raise ValueError(msg)
        if len({query.name for query in self.queries}) != len(self.queries):
            msg = "query names must differ"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _thresholds_are_paid(self) -> Self:
        missing = [key for key in ("people_at_most", "population_delta_cap") if getattr(self.budget, key) is None]
        if self.threshold_delta and missing:
            listed = " and ".join(f"`{key}`" for key in missing)
            msg = f"`private_keys` needs {listed} in `budget`: the δ of thresholds adds up, and is held below 1/n"
            raise ValueError(msg)
        return self

    @property
    def threshold_delta(self) -> Decimal:
        """The δ of all thresholds of the release; the δ of the release is this and that of the conversion."""
        return sum((query.private_keys.threshold_delta for query in self.queries if query.private_keys), Decimal(0))


class SmallCells(PolicyModel):
    """A count table in which cells of 1 … `min_cell` - 1 people are hidden, and cannot be derived from the margins.

    Source: NDB の利用に関するガイドライン 最小集計単位の原則 (rule CELL-NDB-1); complementary suppression so that the
    feasible interval of every hidden cell is at least `min_cell` wide (rule CELL-HOUSE). `municipality` adds the tiers by
    inhabitants where a grouping column names municipalities.
    """

    kind: Literal["small_cells"]
    table: Name
    by: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=2)]
    count: Literal["people"] = "people"
    min_cell: Annotated[int, Field(ge=3)]
    zero_allowed: bool = True
    margins: bool = True
    municipality: Municipality | None = None


class AlleleFrequencies(PolicyModel):
    """Allele counts and frequencies a site; alleles seen fewer than `min_allele_count` times are hidden.

    The floor does not stop membership inference from many sites; `membership` states the bound that is checked:
    power ≤ Φ(√(m/N) - z), Sankararaman et al. 2009. Sites are cut to the number that keeps the bound, or the release
    is refused.
    """

    kind: Literal["allele_frequencies"]
    table: Name
    min_allele_count: Annotated[int, Field(ge=1)]
    complement_floor: bool = True
    membership_false_positive_rate: Annotated[float, Field(gt=0, lt=1)]
    membership_max_power: Annotated[float, Field(gt=0, lt=1)]
    over_bound: Literal["refuse", "thin"]
    basis: Literal["institutional_choice"] = "institutional_choice"
    approved_by: Annotated[str, Field(min_length=1)]


class ControlledRows(PolicyModel):
    """Pseudonymized rows, personal data still, given only under a permit.

    `sealed_extract`: to a recipient who alone can open them. `secure_environment`: never to a recipient; they are used where
    they lie, and Niji builds no extract of them.
    """

    kind: Literal["controlled_rows"]
    environment: Literal["sealed_extract", "secure_environment"]
    max_people: Annotated[int, Field(ge=1)] | None = None


MethodKind = Literal[
    "microdata", "dp_statistics", "dp_synthetic", "small_cells", "allele_frequencies", "controlled_rows"
]
"""The `kind:` of every method."""

PrivateMethod = DpStatistics | DpSynthetic
"""The methods that are charged to a privacy account; whatever holds of one for its loss holds of the other."""

Method = Annotated[
    Microdata | DpStatistics | DpSynthetic | SmallCells | AlleleFrequencies | ControlledRows,
    Field(discriminator="kind"),
]
