"""The risk models that a release asks for, with the population they are held against, as the search takes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from anonymization.criteria.average_risk import AverageReidentification
from anonymization.criteria.criterion import Criterion
from anonymization.criteria.delta_presence import DeltaPresence, EveryoneCounted
from anonymization.criteria.k_map import KMapping
from anonymization.criteria.no_attack import AttackDoesNotPay
from anonymization.criteria.population_uniqueness import UniqueInPopulation
from anonymization.criteria.profitability import PublishingPays
from anonymization.criteria.sample_uniqueness import UniqueInSample
from anonymization.criteria.table_criterion import TableCriterion
from anonymization.histogram import Histogram
from anonymization.population import Population, grown, with_population
from anonymization.quasi import QuasiIdentifier
from policies.errors import PolicyError
from policies.model.risk_models import (
    AverageRisk,
    KMap,
    NoAttack,
    PopulationUniqueness,
    Presence,
    Profitability,
    RiskModel,
    SampleUniqueness,
    hides_who_is_alone,
    needs_population,
)


@dataclass(frozen=True, slots=True)
class AskedRisk:
    """Risk models, and the population table that some of them need.

    Raises:
        PolicyError: `policy.population`: a model needs a population table and there is none, or none needs the one there is.
    """

    models: tuple[RiskModel, ...] = ()
    population: Population | None = None

    def __post_init__(self) -> None:
        needing = [model.model for model in self.models if needs_population(model)]
        if bool(needing) != (self.population is not None):
            raise PolicyError(
                "policy.population",
                what=f"{', '.join(needing)} is asked for without a population table"
                if needing
                else "a population table is given, and no model asks for it",
                why="k-map, delta-presence and the journalist's risk count the people of the population in each class",
                fix="give a table of the population's people by the same quasi-identifiers"
                if needing
                else "ask for such a model, or leave the table out",
            )

    @property
    def stands_in_for_k(self) -> bool:
        """Whether a model says something of people who are alone in their class, so that k may be 1."""
        return any(hides_who_is_alone(model) for model in self.models)

    @property
    def weighs_loss(self) -> bool:
        """Whether a model weighs what a class has lost of its information."""
        return any(isinstance(model, Profitability) for model in self.models)

    def grown(self, quasi_identifiers: Sequence[QuasiIdentifier]) -> list[QuasiIdentifier]:
        """Return the quasi-identifiers with hierarchies that know the population's values, where a rule makes them."""
        return list(quasi_identifiers) if self.population is None else grown(quasi_identifiers, self.population)

    def completed(self, histogram: Histogram) -> Histogram:
        """Return the histogram with the population's people, where there is a population."""
        return histogram if self.population is None else with_population(histogram, self.population)

    def criteria(self) -> tuple[Criterion, ...]:
        """Return the models of each class."""
        found: list[Criterion] = []
        for model in self.models:
            match model:
                case KMap():
                    found.append(KMapping(model.k))
                case Presence():
                    found.append(DeltaPresence(model.least, model.most))
                case NoAttack():
                    found.append(AttackDoesNotPay(model.gain, model.cost, model.attacker == "journalist"))
                case Profitability():
                    is_journalist = model.attacker == "journalist"
                    found.append(PublishingPays(model.gain, model.cost, model.benefit, model.loss, is_journalist))
                case _:
                    pass
        return tuple(found)

    def table_criteria(self) -> tuple[TableCriterion, ...]:
        """Return the models of the published classes together."""
        found: list[TableCriterion] = []
        for model in self.models:
            match model:
                case Presence() if model.least > 0:
                    found.append(EveryoneCounted(model.least))
                case AverageRisk():
                    found.append(AverageReidentification(model.most))
                case SampleUniqueness():
                    found.append(UniqueInSample(model.most))
                case PopulationUniqueness():
                    found.append(UniqueInPopulation(model.most, model.people, model.estimator))
                case _:
                    pass
        return tuple(found)


NOTHING_ASKED = AskedRisk()
