"""The setting nearest to what was asked that classes would meet: what an error says where there is no release."""

import math

import numpy as np

from anonymization.criteria.criterion import ClassCounts, Criterion
from anonymization.criteria.distinct_l import DistinctLDiversity
from anonymization.criteria.entropy_l import EntropyLDiversity
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.criteria.k_map import KMapping
from anonymization.criteria.no_attack import AttackDoesNotPay
from anonymization.criteria.profitability import PublishingPays

_FLOORS = (KAnonymity, KMapping, DistinctLDiversity, EntropyLDiversity)
"""Models whose setting is a least; that of the others is a most."""
_DECIMALS = 1000


def nearest_setting(criterion: Criterion, classes: ClassCounts, *, may_lose: int) -> str | None:
    """Return in words the strictest setting of one model alone that these classes meet; None where there is none.

    Args:
        criterion: The model; its other parameters stay.
        classes: The classes.
        may_lose: How many rows may be suppressed.
    """
    if isinstance(criterion, AttackDoesNotPay | PublishingPays):
        return None  # what an attack is worth is a fact, not a setting to ask less of
    reached = criterion.reached(classes)
    is_floor = isinstance(criterion, _FLOORS)
    order = np.argsort(reached if is_floor else -reached, kind="stable")
    lost = np.cumsum(classes.rows[order])
    kept = order[lost > may_lose]
    # All rows within the limit would be an empty release: the last class always stays.
    value = float(reached[kept[0] if len(kept) else order[-1]])
    return _at_least(criterion, value) if is_floor else _at_most(criterion, value)


def _at_least(criterion: Criterion, value: float) -> str | None:
    rounded = math.floor(value * _DECIMALS + 1e-6) / _DECIMALS
    if rounded < 2:
        return None
    return f"{'k' if isinstance(criterion, KAnonymity | KMapping) else 'l'} of at most {rounded:g} ({criterion.name})"


def _at_most(criterion: Criterion, value: float) -> str | None:
    if not math.isfinite(value):
        return None
    # One step more than the value rounded down: two of these models ask for less than their setting, not at most it.
    rounded = (math.floor(value * _DECIMALS) + 1) / _DECIMALS
    setting = next(name for name in ("t", "alpha", "beta", "delta", "c", "most") if hasattr(criterion, name))
    if setting in {"t", "alpha", "most"} and rounded >= 1:
        return None
    return f"{setting} of at least {rounded:g} ({criterion.name})"
