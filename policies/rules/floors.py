"""House floors: below them no parameter of a method goes, whatever the release's own balance (CONS-06, 07)."""

from collections.abc import Iterator
from fractions import Fraction

from policies.model.method import Microdata
from policies.model.sensitive import Closeness, DistinctL, EntropyL, PositiveRecursiveL, RecursiveL
from policies.rules.view import Parameters, Problem, ReleaseView, fraction, number
from policies.vocabulary import ColumnClass

_LIMITED = (DistinctL, EntropyL, RecursiveL, Closeness)
"""The models of sensitive columns that the house sets a limit to."""


def floors_are_kept(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CONS-06: k, l, t, risk and suppression keep the floors of the house, and a review is due within the year."""
    release, method = view.release, view.release.method
    days = number(parameters, "review_within_days")
    if (release.review_due - release.effective_from).days > days:
        what = f"the release is reviewed more than {days} days after it becomes effective"
        yield Problem(what, "let `review_due` be earlier", ("review_due",))
    if isinstance(method, Microdata):
        yield from _microdata(view, method, parameters)


def _microdata(view: ReleaseView, method: Microdata, parameters: Parameters) -> Iterator[Problem]:
    least_k, least_l = number(parameters, "least_k"), number(parameters, "least_l")
    if method.k < least_k:
        yield Problem(f"k = {method.k} is below the house's", f"write `k: {least_k}` or more", ("method", "k"))
    if Fraction(str(method.max_record_risk)) > fraction(parameters, "most_risk"):
        what = f"a risk of {method.max_record_risk} is above the house's"
        yield Problem(what, f"write at most {parameters['most_risk']}", ("method", "max_record_risk"))
    if Fraction(str(method.suppression_limit)) > fraction(parameters, "most_suppressed"):
        what = f"a share of {method.suppression_limit} may be suppressed: what is left would mislead"
        yield Problem(what, f"write at most {parameters['most_suppressed']}", ("method", "suppression_limit"))
    yield from _sensitive(method, least_l, fraction(parameters, "most_t"))
    has_special = any(
        fate.leaves and fate.has(ColumnClass.SPECIAL_CARE) and fate.table.table == method.record for fate in view.fates
    )
    # The other models have no limit of the house: a β of a million would be one, and protect nobody.
    if has_special and not any(isinstance(model, _LIMITED) for model in method.sensitive):
        what = "special-care columns leave, and no class need hold different values of any"
        yield Problem(what, "name one under `sensitive`, with a model of l or t", ("method",))


def _sensitive(method: Microdata, least_l: int, most_t: Fraction) -> Iterator[Problem]:
    for index, model in enumerate(method.sensitive):
        if isinstance(model, DistinctL | EntropyL | RecursiveL | PositiveRecursiveL) and model.l < least_l:
            what = f"l = {model.l:g} of '{model.column}' is below the house's"
            yield Problem(what, f"write `l: {least_l}` or more", ("method", "sensitive", index, "l"))
        if isinstance(model, Closeness) and Fraction(str(model.t)) > most_t:
            what = f"t = {model.t:g} of '{model.column}' is above the house's"
            yield Problem(what, f"write at most {float(most_t):g}", ("method", "sensitive", index, "t"))


def given_dates_are_coarse(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """CONS-07: rows about people are given without exact dates: a date is made coarser, shifted, or a duration."""
    for fate in view.fates:
        if fate.leaves and fate.is_exact_date:
            what = f"{fate.name} leaves as an exact date, which somebody may know"
            yield Problem(what, "use truncate_date, to_duration_days or date_shift, or drop it", fate.keys)
