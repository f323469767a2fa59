"""Rules on the privacy account: one cap a population, meaningful losses, exact outputs beside, periods (DP-01, 02, 04, 06)."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from math import prod

from policies.model import ReleasePolicy
from policies.model.method import DpBudget, DpStatistics, PrivateMethod
from policies.places import Key
from policies.rules.synthetic import sizes_of_synthetic
from policies.rules.view import Parameters, Problem, ReleaseView, fraction, listed, number

_BUDGET: tuple[Key, ...] = ("method", "budget")


def _siblings(view: ReleaseView) -> list[tuple[ReleasePolicy, DpBudget]]:
    return [
        (release, release.method.budget)
        for release in view.library.releases.values()
        if isinstance(release.method, PrivateMethod)
    ]


def budget_is_kept(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """DP-01: the releases of a population together spend at most its cap, from one account a dataset; the cap has its own."""
    method = view.release.method
    if not isinstance(method, PrivateMethod):
        return
    budget = method.budget
    most = fraction(parameters, "most_rho")
    if Fraction(budget.population_rho_cap) > most:
        what = f"the cap of population '{budget.population}' is above the house's"
        yield Problem(what, f"write at most '{parameters['most_rho']}'", (*_BUDGET, "population_rho_cap"))
    for dataset in view.datasets.values():
        if dataset.population != budget.population:
            what = f"the people of dataset '{dataset.id}' have another account than '{budget.population}'"
            fix = "write the dataset's `population`; another name would begin a new account for the same people"
            yield Problem(what, fix, (*_BUDGET, "population"))
    yield from _quotas(view, budget)
    yield from _delta_quotas(view, budget)
    same = [(release.id, other) for release, other in _siblings(view) if other.population == budget.population]
    spent = sum((other.release_rho for _, other in same), Decimal(0))
    if spent > budget.population_rho_cap:
        names = listed(name for name, _ in same)
        what = f"the releases of population '{budget.population}' ({names}) spend more than its cap"
        yield Problem(what, "lower `release_rho`, or let the cap be approved anew", (*_BUDGET, "release_rho"))
    if any(other.population_rho_cap != budget.population_rho_cap for _, other in same):
        what = f"population '{budget.population}' has different caps in different releases"
        yield Problem(what, "write the same cap everywhere", (*_BUDGET, "population_rho_cap"))
    for release, other in _siblings(view):
        if other.population != budget.population and set(release.datasets) & set(view.release.datasets):
            what = f"release '{release.id}' draws on the same dataset under another population"
            yield Problem(what, "use one population a dataset; recipients may collude", (*_BUDGET, "population"))


def _quotas(view: ReleaseView, budget: DpBudget) -> Iterator[Problem]:
    """DP-01: a quota is inside the account's cap, covers the release, and is the same wherever it is the same account."""
    for key in ("year_rho_cap", "all_versions_rho_cap", "researcher_rho_cap"):
        cap = getattr(budget, key)
        if cap is None:
            continue
        if cap > budget.population_rho_cap:
            what = f"`{key}` is above the cap of population '{budget.population}'"
            yield Problem(what, "write at most `population_rho_cap`, or leave it out", (*_BUDGET, key))
        if key != "researcher_rho_cap" and budget.release_rho > cap:
            what = f"this release alone spends more than its `{key}`"
            yield Problem(what, f"lower `release_rho`, or let `{key}` be approved anew", (*_BUDGET, key))
    for key in ("year_rho_cap", "researcher_rho_cap"):
        caps = {getattr(other, key) for _, other in _siblings(view) if other.population == budget.population}
        if len(caps) > 1:
            what = f"population '{budget.population}' has different `{key}` in different releases"
            yield Problem(what, "write the same everywhere: it is one account", (*_BUDGET, key))


def _thresholds(release: ReleasePolicy) -> Decimal:
    return release.method.threshold_delta if isinstance(release.method, DpStatistics) else Decimal(0)


def _delta_quotas(view: ReleaseView, budget: DpBudget) -> Iterator[Problem]:
    """DP-01: the thresholds of a population's releases together keep to its cap of δ, and so does each quota."""
    own, cap = _thresholds(view.release), budget.population_delta_cap
    for key in ("year_delta_cap", "all_versions_delta_cap"):
        quota = getattr(budget, key)
        if quota is not None and (cap is None or quota > cap):
            what = f"`{key}` is above the cap of δ of population '{budget.population}', or there is none"
            yield Problem(what, "write at most `population_delta_cap`", (*_BUDGET, key))
        if quota is not None and own > quota:
            what = f"the thresholds of this release alone spend more δ than its `{key}`"
            yield Problem(what, f"lower `threshold_delta`, or let `{key}` be approved anew", (*_BUDGET, key))
    same = [(release, other) for release, other in _siblings(view) if other.population == budget.population]
    for key in ("population_delta_cap", "year_delta_cap"):
        # Who has no private keys spends none, and may say nothing of it.
        caps = {getattr(other, key) for _, other in same} - {None}
        if getattr(budget, key) is not None and len(caps) > 1:
            what = f"population '{budget.population}' has different `{key}` in different releases"
            yield Problem(what, "write the same everywhere: it is one account", (*_BUDGET, key))
    if cap is not None and sum((_thresholds(release) for release, _ in same), Decimal(0)) > cap:
        what = f"the thresholds of population '{budget.population}' spend more δ than its cap"
        yield Problem(
            what, "lower `threshold_delta`, or let the cap be approved anew", (*_BUDGET, "population_delta_cap")
        )


def losses_are_meant(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """DP-02: period, keys and bounds stand before the data are seen, and fit each other."""
    method = view.release.method
    if not isinstance(method, PrivateMethod):
        return
    budget = method.budget
    yield from _delta(budget, _thresholds(view.release), parameters)
    if budget.period_from > budget.period_to:
        yield Problem("the budget period ends before it begins", "correct the dates", (*_BUDGET, "period_to"))
    elif not budget.period_from <= view.release.effective_from <= budget.period_to:
        what = "the release becomes effective outside its budget period"
        yield Problem(what, "correct the period, or let a new one be approved", (*_BUDGET, "period_from"))
    if isinstance(method, DpStatistics):
        for index in range(len(method.queries)):
            yield from _query(method, index)
    else:
        yield from sizes_of_synthetic(method, most_cells=number(parameters, "most_cells"))


def _delta(budget: DpBudget, thresholds: Decimal, parameters: Parameters) -> Iterator[Problem]:
    """DP-02: δ in all, of the conversion and of thresholds, is the house's or less and far below 1/n; also over a lifetime."""
    if Fraction(budget.delta + thresholds) > fraction(parameters, "most_delta"):
        what = "a loss is shown for a delta above the house's: more may go wrong than the epsilon says"
        fix = f"write at most '{parameters['most_delta']}', thresholds of private keys included"
        yield Problem(what, fix, (*_BUDGET, "delta"))
    people = budget.people_at_most
    if people is not None and (budget.delta + thresholds) * people >= 1:
        what = "delta is 1/n or more: publishing one whole record would keep such a guarantee"
        fix = "write a delta well below one in `people_at_most`, thresholds of private keys included"
        yield Problem(what, fix, (*_BUDGET, "delta"))
    elif people is not None and (budget.delta + (budget.population_delta_cap or 0)) * people >= 1:
        what = "the cap of the δ of thresholds is 1/n or more: the releases together could publish one whole record"
        yield Problem(what, "write a cap well below one in `people_at_most`", (*_BUDGET, "population_delta_cap"))


def _query(method: DpStatistics, index: int) -> Iterator[Problem]:
    query, keys = method.queries[index], ("method", "queries", index)
    for key_index, public in enumerate(query.by):
        if len(set(public.values)) != len(public.values):
            what = f"a value of '{public.column}' is listed twice in query '{query.name}'"
            yield Problem(what, "list each public value once", (*keys, "by", key_index, "values"))
    clip = query.clip
    if clip is not None and (clip.low % clip.grid or clip.high % clip.grid):
        what = f"the clip of query '{query.name}' does not lie on its grid"
        yield Problem(what, "let low and high be multiples of grid", (*keys, "clip", "grid"))
    # Bins of a histogram and states of a survival table are cells, too.
    bins = 0 if query.edges is None else len(query.edges.values) - 1
    each = 2 * bins + 1 if query.statistic == "survival" else max(bins, 1)
    cells = prod(len(public.values) for public in query.by) * each
    if query.private_keys is None and query.bounds.cells_per_person > cells:
        what = f"query '{query.name}' has {cells} cells; a person cannot be in more"
        yield Problem(what, f"write `cells_per_person: {cells}` or less", (*keys, "bounds", "cells_per_person"))


def exact_outputs_are_listed(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """DP-04: every exact release of the same datasets is named beside the loss, for it is outside the guarantee."""
    method = view.release.method
    if not isinstance(method, PrivateMethod):
        return
    named = {output.release for output in method.exact_beside or ()}
    exact = {
        release.id
        for release in view.library.releases.values()
        if not isinstance(release.method, PrivateMethod) and set(release.datasets) & set(view.release.datasets)
    }
    for name in sorted(exact - named):
        what = f"release '{name}' gives exact numbers of the same people, outside the guarantee"
        yield Problem(what, f"name '{name}' under `exact_beside`, so that it is shown beside the loss", ("method",))
    for index, output in enumerate(method.exact_beside or ()):
        if output.release not in exact:
            what = f"'{output.release}' is not an exact release of the same datasets"
            yield Problem(what, "remove it, or correct the name", ("method", "exact_beside", index))


def periods_are_approved(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """DP-06: a budget period is approved for itself, shortly before it, and one population has one period."""
    method = view.release.method
    if not isinstance(method, PrivateMethod):
        return
    budget = method.budget
    longest, within = number(parameters, "longest_days"), number(parameters, "approved_within_days")
    if (budget.period_to - budget.period_from).days > longest:
        what = f"the budget period is longer than {longest} days"
        yield Problem(what, "shorten it; a new period needs a new approval", (*_BUDGET, "period_to"))
    if budget.approved_on is None:
        what = "nothing says when the budget of this period was approved"
        yield Problem(what, "write `approved_on`", _BUDGET)
    elif not 0 <= (budget.period_from - budget.approved_on).days <= within:
        what = "the budget was not approved for this period: not in the months before it"
        yield Problem(what, "let the period be approved anew", (*_BUDGET, "approved_on"))
    for release, other in _siblings(view):
        if other.population == budget.population and other.period_from > budget.period_from:
            what = f"release '{release.id}' begins a later period of population '{budget.population}'"
            yield Problem(what, "use one period, or let the compliance officer accept the reset", _BUDGET)
