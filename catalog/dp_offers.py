"""What a release lets researchers ask, table by table: keys, ranges, edges, codes and bounds that its policy declares.

Everything here is copied from the queries of a differentially private release, with its source; nothing is taken from data or
from who asks. Where two queries declare a range or edges for one column, the first one's hold; of the bounds the largest.
Not here: a question (`dp_questions.py`), the form for people (`web/`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from policies.errors import PolicyError
from policies.model import ReleasePolicy
from policies.model.dp_queries import ASKED_WITH, Clip, Outcome, PublicEdges, Statistic
from policies.model.method import ContributionBounds, DpQuery, DpStatistics, PublicKeys


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be asked of one table. Columns are output columns of the release.

    `keys` may group and filter; `clips` are the ranges that sums, means, variances and regressions need; `edges` those of
    histograms and quantiles; `survivals` holds the policy's survival query of a time column, which brings edges and codes;
    `outcomes` the public codes of the binary outcome of a logistic regression.
    """

    table: str
    bounds: ContributionBounds
    keys: Mapping[str, PublicKeys]
    clips: Mapping[str, Clip]
    edges: Mapping[str, PublicEdges]
    survivals: Mapping[str, DpQuery]
    outcomes: Mapping[str, Outcome]

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistics for which the policy declares what they need, in the order of the vocabulary."""
        return tuple(name for name in get_args(Statistic) if self._can(name))

    def values_for(self, statistic: Statistic) -> tuple[str, ...]:
        """Return the columns that may be the value of a statistic; none where it takes no value."""
        needed = ASKED_WITH[statistic]
        if "outcome" in needed:
            return tuple(self.outcomes)
        if "status" in needed:
            return tuple(self.survivals)
        if "edges" in needed:
            return tuple(self.edges)
        return tuple(self.clips) if "value" in needed else ()

    def predictors_of(self, statistic: Statistic, value: str | None) -> tuple[str, ...]:
        """Return the columns that may explain a value in a regression; none where the statistic takes no predictor."""
        if "predictors" not in ASKED_WITH[statistic]:
            return ()
        return tuple(column for column in self.clips if column != value)

    def _can(self, statistic: Statistic) -> bool:
        needed = ASKED_WITH[statistic]
        if needed & {"marginals", "top"} and not self.keys:
            return False
        if "predictors" in needed and not any(
            self.predictors_of(statistic, value) for value in self.values_for(statistic)
        ):
            return False
        return not needed & {"value", "outcome"} or bool(self.values_for(statistic))


def offers_of(release: ReleasePolicy) -> tuple[Offer, ...]:
    """Return what a release lets be asked, a table each, in the order in which its policy names the tables.

    Raises:
        PolicyError: The release is not differentially private, or gives researchers no quota.
    """
    method = release.method
    if not isinstance(method, DpStatistics) or method.budget.researcher_rho_cap is None:
        raise PolicyError(
            "question.not-open",
            what="this release answers no questions",
            why="questions are answered only where the policy is differentially private and declares researcher_rho_cap",
            fix="ask for another release, or let its steward declare the quota",
        )
    tables = dict.fromkeys(query.table for query in method.queries)
    return tuple(_offer([query for query in method.queries if query.table == table]) for table in tables)


def _offer(queries: list[DpQuery]) -> Offer:
    keys: dict[str, PublicKeys] = {}
    clips: dict[str, Clip] = {}
    edges: dict[str, PublicEdges] = {}
    survivals: dict[str, DpQuery] = {}
    outcomes: dict[str, Outcome] = {}
    for query in queries:
        for key in (*query.by, *(query.where or ())):
            keys.setdefault(key.column, key)
        if query.value is not None and query.clip is not None:
            clips.setdefault(query.value, query.clip)
        if query.outcome is not None:
            outcomes.setdefault(query.outcome.column, query.outcome)
        for predictor in query.predictors or ():
            clips.setdefault(predictor.column, predictor.clip)
        if query.value is not None and query.edges is not None:
            edges.setdefault(query.value, query.edges)
            if query.status is not None:
                survivals.setdefault(query.value, query)
    return Offer(
        table=queries[0].table,
        bounds=_bounds(queries),
        keys=MappingProxyType(keys),
        clips=MappingProxyType(clips),
        edges=MappingProxyType(edges),
        survivals=MappingProxyType(survivals),
        outcomes=MappingProxyType(outcomes),
    )


def _bounds(queries: list[DpQuery]) -> ContributionBounds:
    cells = max(query.bounds.cells_per_person for query in queries)
    rows = max(query.bounds.rows_per_person_per_cell for query in queries)
    sources = "; ".join(dict.fromkeys(query.bounds.source for query in queries))
    return ContributionBounds(cells_per_person=cells, rows_per_person_per_cell=rows, source=sources)
