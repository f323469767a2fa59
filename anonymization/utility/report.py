"""All measures of a release together, by name, as evidence carries them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from anonymization.utility.ambiguity import ambiguity
from anonymization.utility.associations import Association, associations
from anonymization.utility.class_sizes import (
    AverageClassSize,
    average_class_size,
    discernibility,
    normalized_discernibility,
)
from anonymization.utility.compared import Compared
from anonymization.utility.divergence import divergence
from anonymization.utility.entropy import nonuniform_entropy
from anonymization.utility.granularity import arithmetic_loss, granularity, loss
from anonymization.utility.marginals import MarginalError, marginal_error
from anonymization.utility.missing import Missing, missing
from anonymization.utility.precision import generalization_intensity, precision
from anonymization.utility.prediction import Prediction, prediction
from anonymization.utility.queries import CountQuery, QueryError, query_error


@dataclass(frozen=True, slots=True)
class Utility:
    """What is left of a table. Shares are 0 to 1; `weights` are those of `arithmetic_loss` and `precision`."""

    records: int
    suppressed: int
    loss: float
    arithmetic_loss: float
    precision: float
    average_class_size: AverageClassSize
    discernibility: int
    normalized_discernibility: float
    ambiguity: float
    divergence_bits: float
    granularity: dict[str, float]
    generalization_intensity: dict[str, float]
    nonuniform_entropy: dict[str, float]
    missing: dict[str, Missing]
    queries: QueryError
    marginals: MarginalError
    associations: tuple[Association, ...]
    prediction: Prediction | None
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def association_error(self) -> float | None:
        """The mean error of an association; None where no pair varies."""
        errors = [one.error for one in self.associations if one.error is not None]
        return float(np.mean(errors)) if errors else None

    def as_json(self) -> dict[str, Any]:
        """Return the measures as plain JSON values. Counts are exact: they pass the disclosure gate before others see them."""
        body = {name: getattr(self, name) for name in _PLAIN}
        return {
            "counted": "rows",
            "missing_values": "own_category",
            **body,
            "weights": dict(self.weights),
            "average_class_size": asdict(self.average_class_size),
            "missing": {column: asdict(one) for column, one in self.missing.items()},
            "queries": asdict(self.queries),
            "marginals": asdict(self.marginals),
            "association_error": self.association_error,
            "associations": [
                {**asdict(one), "columns": list(one.columns), "error": one.error} for one in self.associations
            ],
            "prediction": None
            if self.prediction is None
            else {**asdict(self.prediction), "relative": self.prediction.relative},
        }


_PLAIN = (
    "records",
    "suppressed",
    "loss",
    "arithmetic_loss",
    "precision",
    "discernibility",
    "normalized_discernibility",
    "ambiguity",
    "divergence_bits",
    "granularity",
    "generalization_intensity",
    "nonuniform_entropy",
)


def measure_utility(
    compared: Compared,
    *,
    k: int | None = None,
    weights: Mapping[str, float] | None = None,
    queries: Sequence[CountQuery] = (),
) -> Utility:
    """Return every measure of a release.

    Args:
        compared: Before and after; the prediction is scored if it has a target.
        k: What the release promises, for the normalized class size.
        weights: How much each attribute matters, by column; 1 where none is given.
        queries: What is asked of the release; a default workload where none is declared.

    Raises:
        PolicyError: A query that names what the table does not have.
    """
    given = dict(weights or {})
    return Utility(
        records=compared.records,
        suppressed=compared.suppressed,
        loss=loss(compared),
        arithmetic_loss=arithmetic_loss(compared, weights=given),
        precision=precision(compared, weights=given),
        average_class_size=average_class_size(compared, k=k),
        discernibility=discernibility(compared),
        normalized_discernibility=normalized_discernibility(compared),
        ambiguity=ambiguity(compared),
        divergence_bits=divergence(compared),
        granularity=granularity(compared),
        generalization_intensity=generalization_intensity(compared),
        nonuniform_entropy=nonuniform_entropy(compared),
        missing=missing(compared),
        queries=query_error(compared, queries=queries),
        marginals=marginal_error(compared),
        associations=associations(compared),
        prediction=prediction(compared) if compared.target_values else None,
        weights=given,
    )
