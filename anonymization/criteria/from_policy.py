"""From the models that a policy asks for to the criteria that the search judges by."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from anonymization.criteria.alpha_k import AlphaFrequency
from anonymization.criteria.beta_likeness import BetaLikeness
from anonymization.criteria.criterion import Criterion
from anonymization.criteria.delta_disclosure import DeltaDisclosure
from anonymization.criteria.distinct_l import DistinctLDiversity
from anonymization.criteria.entropy_l import EntropyLDiversity
from anonymization.criteria.positive_recursive_l import PositiveRecursiveCLDiversity
from anonymization.criteria.recursive_l import RecursiveCLDiversity
from anonymization.criteria.t_closeness import EqualDistance, HierarchicalDistance, OrderedDistance, TCloseness
from anonymization.sensitive_models import AskedModel, TreeCloseness, unplaced
from policies.errors import DataError
from policies.model.sensitive import (
    Closeness,
    Disclosure,
    DistinctL,
    EntropyL,
    Likeness,
    PositiveRecursiveL,
    RecursiveL,
    ValueShare,
)


def criterion_of(model: AskedModel, labels: Sequence[str]) -> Criterion:
    """Return the criterion of a model.

    Args:
        model: What is asked for.
        labels: The values of its column, as text; a distance must know a place for each.

    Raises:
        PolicyError: A hierarchical distance came without its hierarchy.
        DataError: `data.sensitive-value`: a value has no place in the order or the hierarchy, or is no number.
    """
    if isinstance(model, TreeCloseness):
        return _closeness(model.model, HierarchicalDistance(model.hierarchy.for_values(labels)), labels)
    if isinstance(model, Closeness):
        return _closeness(model, _distance(model, labels), labels)
    if isinstance(model, ValueShare | Likeness | Disclosure):
        return _of_shares(model)
    return _of_diversity(model)


def _of_diversity(model: DistinctL | EntropyL | RecursiveL | PositiveRecursiveL) -> Criterion:
    match model:
        case DistinctL():
            return DistinctLDiversity(model.column, model.l)
        case EntropyL():
            return EntropyLDiversity(model.column, model.l)
        case RecursiveL():
            return RecursiveCLDiversity(model.column, model.c, model.l)
        case PositiveRecursiveL():
            return PositiveRecursiveCLDiversity(model.column, model.c, model.l, frozenset(model.disclosable))


def _of_shares(model: ValueShare | Likeness | Disclosure) -> Criterion:
    match model:
        case ValueShare():
            return AlphaFrequency(model.column, model.alpha)
        case Likeness():
            return BetaLikeness(model.column, model.beta, model.enhanced)
        case Disclosure():
            return DeltaDisclosure(model.column, model.delta)


def _distance(model: Closeness, labels: Sequence[str]) -> EqualDistance | OrderedDistance:
    if model.hierarchy is not None:
        raise unplaced(model)
    if model.order is None:
        return EqualDistance()
    return OrderedDistance(model.order if isinstance(model.order, tuple) else in_order(model.column, labels))


def _closeness(
    model: Closeness, distance: EqualDistance | OrderedDistance | HierarchicalDistance, labels: Sequence[str]
) -> TCloseness:
    for _ in distance.splits(labels):  # refuses a value without a place before anything is searched
        pass
    return TCloseness(model.column, model.t, distance)


def in_order(column: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Return numbers, written as text, in their order.

    Raises:
        DataError: `data.sensitive-value`: one is no number, or two are the same number.
    """
    try:
        numbers = {label: Decimal(label) for label in labels}
    except InvalidOperation:
        numbers = {}
    is_usable = all(number.is_finite() for number in numbers.values()) and len(set(numbers.values())) == len(labels)
    if not is_usable:
        raise DataError(
            "data.sensitive-value",
            what=f"column '{column}' holds values that are no numbers, or one number written in two ways",
            why="the ordered distance places each value among the others by its number",
            fix="list the values in their order, or use another distance",
        )
    return tuple(sorted(numbers, key=lambda label: numbers[label]))
