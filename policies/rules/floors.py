"""House floors: below them no parameter of a method goes, whatever the release's own balance (CONS-06, 07)."""

from collections.abc import Iterator
from fractions import Fraction

from policies.model.method import Microdata
from policies.rules.view import Parameters, Problem, ReleaseView, fraction, number
from policies.vocabulary import ColumnClass


def floors_are_kept(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CONS-06: k, l, risk and suppression keep the floors of the house, and a review is due within the year."""
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
    for index, criterion in enumerate(method.sensitive):
        # Other models of what may be learned (t-closeness, entropy) have no count of values to set a floor for.
        held = getattr(criterion, "l", None)
        if isinstance(held, int | float) and held < least_l:
            what = f"l = {held} of '{criterion.column}' is below the house's"
            yield Problem(what, f"write `l: {least_l}` or more", ("method", "sensitive", index, "l"))
    has_special = any(
        fate.leaves and fate.has(ColumnClass.SPECIAL_CARE) and fate.table.table == method.record for fate in view.fates
    )
    if has_special and not method.sensitive:
        what = "special-care columns leave, and no class need hold different values of any"
        yield Problem(what, "name one under `sensitive`", ("method",))


def given_dates_are_coarse(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """CONS-07: rows about people are given without exact dates: a date is made coarser, shifted, or a duration."""
    for fate in view.fates:
        if fate.leaves and fate.is_exact_date:
            what = f"{fate.name} leaves as an exact date, which somebody may know"
            yield Problem(what, "use truncate_date, to_duration_days or date_shift, or drop it", fate.keys)
