"""Rules on what stands out: unusual descriptions and differences between records (APPI-24, 25; CONS-01, 05)."""

import math
from collections.abc import Iterator
from fractions import Fraction

from policies.model.hierarchy import open_class_from
from policies.model.method import AlleleFrequencies, Microdata
from policies.model.treatment import BottomCode, Generalize, Microaggregate, RollUpRare, TopCode
from policies.rules.events import people_of_code
from policies.rules.view import ANONYMIZED, Fate, Parameters, Problem, ReleaseView, number
from policies.vocabulary import ColumnClass, ColumnRole, ColumnType, TableKind

_RARE = frozenset({"generalize", "roll_up_rare", "top_code", "bottom_code", "to_prefecture", "truncate_date"}) | {
    "microaggregate"
}
"""Operations that take an unusual description away; rounding and shifting do not."""
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL})
_GRIDS = frozenset({"round", "generalize", "roll_up_rare", "microaggregate", "round_randomly"})
"""Operations after which a measured number is one of few."""


def unusual_is_removed(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-24: candidates for unusual descriptions are coarsened, ages end in one open class, rare codes roll up."""
    if view.category not in ANONYMIZED:
        return
    top_age, min_persons = number(parameters, "top_age"), number(parameters, "min_persons")
    for fate in view.fates:
        if not fate.leaves:
            continue
        if fate.has(ColumnClass.UNUSUAL_CANDIDATE) and not _RARE & set(fate.operations):
            what = f"{fate.name} may hold unusual descriptions (特異な記述) and leaves untreated"
            yield Problem(what, "use roll_up_rare, generalize, top_code or bottom_code", fate.keys)
        elif fate.has(ColumnClass.UNUSUAL_CANDIDATE) and fate.source.type in _NUMBERS:
            yield from _outliers(fate)
        if "to_age" in fate.operations and not ends_in_open_class(view, fate, top_age):
            what = f"{fate.name} becomes an age without a top class of {top_age} or below"
            fix = f"add {{op: top_code, limit: '{top_age}'}}, or generalize with `top_from: {top_age}`"
            yield Problem(what, fix, fate.keys)
        people = people_of_code(view, fate)
        if people is not None and people < min_persons:
            what = f"{fate.name} shows codes and combinations of codes of {people} people"
            yield Problem(what, f"write `k: {min_persons}` or more in `method.events`", fate.keys)
        for step in fate.column.treat:
            if isinstance(step, RollUpRare | Microaggregate) and step.min_persons < min_persons:
                what = f"{fate.name} calls a value rare below {step.min_persons} people"
                yield Problem(what, f"write `min_persons: {min_persons}` or more", fate.keys)


def _outliers(fate: Fate) -> Iterator[Problem]:
    """Check that a measured number is cut at both ends, inside the range in which it is taken at all."""
    # A microaggregated extreme is the mean of many people.
    if {"generalize", "roll_up_rare", "microaggregate"} & set(fate.operations):
        return
    column = fate.source
    tops = [float(step.limit) for step in fate.column.treat if isinstance(step, TopCode)]
    bottoms = [float(step.limit) for step in fate.column.treat if isinstance(step, BottomCode)]
    is_cut_above = tops and (column.maximum is None or min(tops) < column.maximum)
    is_cut_below = bottoms and (column.minimum is None or max(bottoms) > column.minimum)
    if not is_cut_above:
        what = f"{fate.name} leaves with its highest values, as far as they are taken at all (上限のコーディング)"
        yield Problem(what, "use top_code below the column's `maximum`", fate.keys)
    # A count begins at zero, which is ordinary; a measured number has a low end, too.
    if not is_cut_below and column.minimum != 0:
        what = f"{fate.name} leaves with its lowest values (下限のコーディング)"
        yield Problem(what, "use bottom_code above the column's `minimum`", fate.keys)


def ends_in_open_class(view: ReleaseView, fate: Fate, top_age: int) -> bool:
    """Return whether an age ends in one open class of `top_age` or below."""
    for step in fate.column.treat:
        if isinstance(step, TopCode) and step.limit <= top_age:
            return True
        if isinstance(step, Generalize):
            hierarchy = view.library.hierarchies.get(step.hierarchy)
            levels = hierarchy.levels if hierarchy else None
            top_from = open_class_from(levels) if levels is not None else None
            if top_from is not None and top_from <= top_age:
                return True
    return False


def records_are_alike(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """APPI-25: every quasi-identifier that leaves is counted by the privacy model, or coarsened in a detail table.

    Dates that nobody called a quasi-identifier do not leave as they are either, nor measured numbers with all decimals.
    """
    method = view.release.method
    if view.category not in ANONYMIZED or not isinstance(method, Microdata):
        return
    for fate in view.fates:
        if not fate.leaves:
            continue
        is_quasi = fate.has(ColumnClass.QUASI_IDENTIFIER) or fate.source.role is ColumnRole.QUASI_IDENTIFIER
        is_of_record = fate.table.table == method.record or fate.source_table.kind is TableKind.PERSON
        if is_quasi and is_of_record and fate.column.output_name not in method.quasi_identifiers:
            what = f"{fate.name} is a quasi-identifier and leaves, but the privacy model does not count it"
            yield Problem(what, "add it to `method.quasi_identifiers`, or drop it", fate.keys)
        elif is_quasi and not is_of_record and not fate.is_coarsened:
            what = f"{fate.name} is a quasi-identifier of a detail table and leaves as it is"
            yield Problem(what, "coarsen it (truncate_date, to_duration_days, generalize) or drop it", fate.keys)
        elif not is_quasi and fate.is_exact_date:
            what = f"{fate.name} leaves as an exact date, which somebody may know"
            yield Problem(what, "use truncate_date, to_duration_days or date_shift, or drop it", fate.keys)
        elif not is_quasi and fate.source.type is ColumnType.DECIMAL and not _GRIDS & set(fate.operations):
            what = f"{fate.name} leaves with all its decimals, a fingerprint of the record"
            yield Problem(what, "round it, or generalize it", fate.keys)


def risk_fits_k(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """CONS-01: 1/k is at most the tolerated risk of a record."""
    method = view.release.method
    if not isinstance(method, Microdata):
        return
    risk = Fraction(str(method.max_record_risk))
    if risk * method.k < 1:
        least = math.ceil(1 / risk)
        what = (
            f"k = {method.k} tolerates a risk of 1/{method.k}, more than `max_record_risk` of {method.max_record_risk}"
        )
        yield Problem(what, f"write `k: {least}` or more, or raise `max_record_risk`", ("method", "k"))


def alleles_are_common(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CONS-05: allele counts have a floor, and the membership test may not win by much."""
    method = view.release.method
    if not isinstance(method, AlleleFrequencies):
        return
    least, most = number(parameters, "min_allele_count"), number(parameters, "max_power_percent")
    if method.min_allele_count < least:
        what = f"alleles seen {method.min_allele_count} times are shown"
        yield Problem(what, f"write `min_allele_count: {least}` or more", ("method", "min_allele_count"))
    if method.membership_max_power * 100 > most:
        what = "the tolerated power of the membership test is above the house limit"
        yield Problem(what, f"write at most {most / 100}", ("method", "membership_max_power"))
    rate = number(parameters, "least_false_positive_percent")
    if method.membership_false_positive_rate * 100 < rate:
        what = "the membership test is judged at a rarer false alarm than the house asks, where it is weaker"
        yield Problem(what, f"write {rate / 100} or more", ("method", "membership_false_positive_rate"))
    if not method.complement_floor:
        what = "alleles are shown that nearly everybody has: the few without them stand out"
        yield Problem(what, "write `complement_floor: true`", ("method", "complement_floor"))
    if method.membership_max_power <= method.membership_false_positive_rate:
        what = "a test is never weaker than its false-positive rate, so this power cannot be reached"
        yield Problem(what, "raise the power or lower the rate", ("method", "membership_max_power"))
