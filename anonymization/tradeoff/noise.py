"""Alternatives of noisy tables: the loss that a release takes from its account. No data are read, no noise is drawn."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from anonymization.dp.plan import DpPlan, micro_text, plan
from anonymization.dp.synthetic.asked import plan_asked
from anonymization.dp.synthetic.plan import SyntheticPlan
from anonymization.tradeoff.alternative import Alternative, Value, combinations
from policies.errors import PolicyError
from policies.model import ReleasePolicy
from policies.model.method import DpStatistics, DpSynthetic, PrivateMethod

_FACTORS = ("0.2", "0.4", "0.7", "1", "1.5", "2", "4")


def current_noise(method: DpStatistics | DpSynthetic) -> dict[str, Value]:
    """Return the parameters of noisy tables that a frontier may change, as the policy has them."""
    return {"release_rho": _text(method.budget.release_rho)}


def default_noise(method: DpStatistics | DpSynthetic) -> dict[str, tuple[Value, ...]]:
    """Return the grid that is tried where none is given: parts and multiples of the policy's loss, up to the cap."""
    budget = method.budget
    tried = {min(budget.release_rho * Decimal(factor), budget.population_rho_cap) for factor in _FACTORS}
    return {"release_rho": tuple(_text(rho) for rho in sorted(tried))}


def noise_alternatives(release: ReleasePolicy, *, grid: Mapping[str, Sequence[Value]]) -> Iterator[Alternative]:
    """Yield how far off the numbers would be for each loss.

    Risk is epsilon at the policy's delta. Cost is the 95 % error in multiples of the policy's own: all queries share
    one loss, so their errors change together; each is among the figures in its own unit.
    """
    method = release.method
    if not isinstance(method, PrivateMethod):
        raise PolicyError(
            "policy.other-method", what="the release has no noise", why="a loss is theirs", fix="use its own method"
        )
    own = _planned(method)
    for number, parameters in enumerate(combinations(grid, current=current_noise(method))):
        budget = method.budget.model_copy(update={"release_rho": Decimal(str(parameters["release_rho"]))})
        try:
            planned = _planned(method.model_copy(update={"budget": budget}))
        except PolicyError as error:
            yield Alternative(parameters, None, None, why=error.code, is_current=number == 0)
            continue
        errors = _errors(planned)
        yield Alternative(
            parameters,
            risk=planned.epsilon,
            cost=next(error / before for error, before in zip(errors.values(), _errors(own).values(), strict=True)),
            figures={"epsilon": planned.epsilon, "rho": float(micro_text(planned.charge_micro))}
            | {f"error_95.{name}": error for name, error in errors.items()},
            is_current=number == 0,
        )


def _planned(method: DpStatistics | DpSynthetic) -> DpPlan | SyntheticPlan:
    if isinstance(method, DpSynthetic):
        return plan_asked(method, policy_digest="frontier", snapshot_digest="none")
    return plan(method, policy_digest="frontier", snapshot_digest="none")


def _errors(planned: DpPlan | SyntheticPlan) -> Mapping[str, float]:
    if isinstance(planned, SyntheticPlan):
        return planned.errors_95
    return {query.name: query.error_95 for query in planned.queries}


def _text(rho: Decimal) -> str:
    return format(rho.normalize(), "f")
