"""Models of who could be found in a microdata release, beside k; one class a model, told apart by `model:`.

k-map, δ-presence and the journalist of `no_attack` hold each class against a population table. The others hold the
published classes together, or against what a finding is worth. All may be combined; every one must be met.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import PolicyModel

Estimator = Literal["dankar", "pitman", "zayatz", "snb"]
"""How uniqueness in the population is estimated from the sample; `dankar` chooses among the others."""


class KMap(PolicyModel):
    """k-map: at least `k` people of the population have the quasi-identifier values of every published class.

    Source: El Emam & Dankar, Protecting privacy using k-anonymity, JAMIA 15(5):627-637, 2008.
    """

    model: Literal["k_map"]
    k: Annotated[int, Field(ge=2)]


class Presence(PolicyModel):
    """δ-presence: of the people of the population who have a class's values, a share of `least` to `most` is in it.

    With `least` above 0 every class of the population must be published, so nothing can be suppressed.

    Source: Nergiz, Atzori & Clifton, Hiding the presence of individuals from shared databases, ACM SIGMOD 2007.
    """

    model: Literal["delta_presence"]
    least: Annotated[float, Field(ge=0, lt=1)] = 0.0
    most: Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.least > self.most:
            msg = "`least` must not be above `most`"
            raise ValueError(msg)
        return self


class AverageRisk(PolicyModel):
    """Average risk: over the published records, one divided by the people of the record's class is `most` on the average.

    Source: El Emam, Guide to the De-Identification of Personal Health Information, CRC Press 2013 (marketer risk).
    """

    model: Literal["average_risk"]
    most: Annotated[float, Field(gt=0, lt=1)]


class SampleUniqueness(PolicyModel):
    """Sample uniqueness: at most the share `most` of the published records is of a person alone in the class.

    Source: Skinner & Elliot, A measure of disclosure risk for microdata, J. R. Statist. Soc. B 64(4), 2002.
    """

    model: Literal["sample_uniqueness"]
    most: Annotated[float, Field(ge=0, lt=1)]


class PopulationUniqueness(PolicyModel):
    """Population uniqueness: by an estimate, at most the share `most` of a population of `people` is unique in it.

    Source: Dankar, El Emam, Neisa & Roffey, Estimating the re-identification risk of clinical data sets, BMC Medical
    Informatics and Decision Making 12:66, 2012 (`dankar`); the estimators are in `anonymization.uniqueness`.
    """

    model: Literal["population_uniqueness"]
    most: Annotated[float, Field(ge=0, lt=1)]
    people: Annotated[int, Field(ge=2)]
    estimator: Estimator = "dankar"


class NoAttack(PolicyModel):
    """No attack pays: what finding a person brings, `gain` times the chance of it, is less than what trying it costs.

    The `prosecutor` knows that the person is in the release, the `journalist` knows the population only.

    Source: Wan et al., A game theoretic framework for analyzing re-identification risk, PLoS ONE 10(3), 2015 (the
    no-attack strategy).
    """

    model: Literal["no_attack"]
    gain: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    cost: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    attacker: Literal["prosecutor", "journalist"] = "prosecutor"


class Profitability(PolicyModel):
    """Publishing pays: a record brings `benefit` by what is left of it, more than `loss` times the chance of its finding.

    The chance costs only where an attack pays: `gain` times the chance is more than `cost`. Attackers as of `NoAttack`.

    Source: Wan et al., A game theoretic framework for analyzing re-identification risk, PLoS ONE 10(3), 2015.
    """

    model: Literal["profitability"]
    gain: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    cost: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    benefit: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    loss: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    attacker: Literal["prosecutor", "journalist"] = "prosecutor"


WrittenRisk = Annotated[AverageRisk | NoAttack, Field(discriminator="model")]
"""The models that a release policy may ask for: those that need no population table, and say something where k is 2 or more."""

RiskModel = KMap | Presence | AverageRisk | SampleUniqueness | PopulationUniqueness | NoAttack | Profitability
"""Any of the models."""


def needs_population(model: RiskModel) -> bool:
    """Whether a model can only be judged with a population table."""
    by_attacker = isinstance(model, NoAttack | Profitability) and model.attacker == "journalist"
    return by_attacker or isinstance(model, KMap | Presence)


def hides_who_is_alone(model: RiskModel) -> bool:
    """Whether a model says something of people who are alone in their class, so that it may stand in for k.

    Publishing them may pay where a finding costs less than a record brings: then nobody is hidden by that.
    """
    if isinstance(model, Profitability):
        return model.loss >= model.benefit
    return not isinstance(model, Presence | AverageRisk)
