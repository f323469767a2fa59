"""Rules of HIPAA de-identification for partners in the United States (45 CFR 164.514; HIPAA-01 ... 05).

Safe Harbor is judged column by column; an expert's determination takes its place, and then only the determination is.
"""

from collections.abc import Iterator, Sequence

from policies.model import HierarchyPolicy
from policies.model.hierarchy import PrefixLevels, TableLevels
from policies.model.ladders import CalendarLevels
from policies.model.treatment import Generalize, TruncateDate
from policies.rules.unusual import ends_in_open_class
from policies.rules.view import Fate, Parameters, Problem, ReleaseView, number, words
from policies.vocabulary import ColumnClass, ColumnRole, ColumnType, IdentificationCode

_DATE_YEAR = 3
"""The level of a date hierarchy that is the year (`policies.model.hierarchy.DateLevels`)."""

_YEARS = frozenset({"year", "decade"})
"""The steps of a calendar that are a year or wider; a 年度 says in which of two years a date lies, and more."""


def _by_safe_harbor(view: ReleaseView) -> Sequence[Fate]:
    """Return the columns that Safe Harbor judges: those that leave, unless an expert determined the risk."""
    way = view.release.hipaa.way if view.release.hipaa else "safe_harbor"
    return [fate for fate in view.fates if fate.leaves] if way == "safe_harbor" else []


def identifiers_are_absent(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """HIPAA-01: none of the eighteen identifiers leaves, nor a code that is derived from the individual (164.514(c))."""
    named = {ColumnClass.DIRECT_IDENTIFIER, ColumnClass.IDENTIFICATION_CODE, ColumnClass.FREE_TEXT}
    for fate in _by_safe_harbor(view):
        is_named = bool(named & set(fate.source.classes)) or fate.source.role in {
            ColumnRole.IDENTIFIER,
            ColumnRole.FREE_TEXT,
        }
        is_coarse_area = fate.has(ColumnClass.QUASI_IDENTIFIER) and fate.is_coarsened
        if is_named and not is_coarse_area:
            yield Problem(f"{fate.name} is one of the identifiers of Safe Harbor and leaves", "drop it", fate.keys)
        elif fate.is_key and not _is_random(fate):
            what = f"the key {fate.name} leaves as it is, or derived from the individual"
            yield Problem(what, "write `{op: pseudonymize, method: random, scope: release}`", fate.keys)


def _is_random(fate: Fate) -> bool:
    steps = [step for step in fate.column.treat if step.op == "pseudonymize"]
    return bool(steps) and all(step.method == "random" and step.scope == "release" for step in steps)


def zip_codes_are_wide(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """HIPAA-02: of a ZIP code three digits leave, and `000` for areas of 20,000 people or fewer.

    Only a hierarchy at a written level can be judged from the files; the areas of every census in the pack count.
    """
    restricted = {
        zip3 for name, value in parameters.items() if name.startswith("restricted_zip3_") for zip3 in _list(value)
    }
    for fate in _by_safe_harbor(view):
        if fate.source.code_system not in words(parameters, "code_systems"):
            continue
        if not any(_is_wide(view, step, restricted) for step in fate.column.treat if isinstance(step, Generalize)):
            what = f"{fate.name} leaves as a ZIP code that is too narrow, or at a level that nobody can see"
            fix = "generalize it at a written level to two digits, or by a table that makes restricted areas `000`"
            yield Problem(what, fix, fate.keys)


def _list(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _is_wide(view: ReleaseView, step: Generalize, restricted: set[str]) -> bool:
    hierarchy = view.library.hierarchies.get(step.hierarchy)
    if hierarchy is None or not isinstance(step.level, int) or step.level == 0:
        return False
    return _widest(hierarchy, step.level, restricted)


def _widest(hierarchy: HierarchyPolicy, level: int, restricted: set[str]) -> bool:
    levels = hierarchy.levels
    if isinstance(levels, PrefixLevels):
        return level > len(levels.lengths) or levels.lengths[level - 1] <= 2
    if isinstance(levels, TableLevels):
        labels = [(row[0][:3], row[min(level, len(row) - 1)]) for row in levels.rows]
        return all(label in {"000", "*"} if leaf in restricted else len(label) <= 3 for leaf, label in labels)
    return False


def dates_are_years(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """HIPAA-03: of a date that relates to an individual only the year leaves; ages and durations are no dates."""
    for fate in _by_safe_harbor(view):
        is_date = fate.source.type in {ColumnType.DATE, ColumnType.TIMESTAMP}
        if is_date and not any(_is_year(view, step) for step in fate.column.treat):
            what = f"{fate.name} leaves finer than a year"
            yield Problem(what, "write `{op: truncate_date, to: year}`, or to_age, or to_duration_days", fate.keys)


def _is_year(view: ReleaseView, step: object) -> bool:
    if isinstance(step, TruncateDate):
        return step.to == "year"
    if isinstance(step, Generalize):
        hierarchy = view.library.hierarchies.get(step.hierarchy)
        if hierarchy is None or not isinstance(step.level, int):
            return False
        if isinstance(hierarchy.levels, CalendarLevels):
            return step.level > 0 and bool(_YEARS & set(hierarchy.levels.steps[: step.level]))
        return hierarchy.levels.kind == "date" and step.level >= _DATE_YEAR
    return getattr(step, "op", "") in {"to_age", "to_duration_days"}


def ages_end_at_ninety(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """HIPAA-04: ages above 89 leave as one class of 90 or older."""
    top_age = number(parameters, "top_age")
    for fate in _by_safe_harbor(view):
        is_age = "to_age" in fate.operations or fate.source.unit in words(parameters, "units_of_age")
        if is_age and not ends_in_open_class(view, fate, top_age):
            what = f"{fate.name} is an age without a class of {top_age} or older"
            yield Problem(what, f"generalize with `top_from: {top_age}`, or top_code at {top_age}", fate.keys)


def way_is_shown(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """HIPAA-05: the release says its way; a determination is in force; genome rows never rest on Safe Harbor alone."""
    hipaa = view.release.hipaa
    if hipaa is None:
        what = "the release does not say in which way it is de-identified"
        yield Problem(what, "write `hipaa` with its `way`", ("hipaa",))
    elif hipaa.expert is not None:
        first_day = max(view.on, view.release.effective_from)
        if not hipaa.expert.determined_on <= first_day <= hipaa.expert.expires_on:
            what = f"the expert's determination does not cover {first_day.isoformat()}"
            yield Problem(what, "have the risk determined anew", ("hipaa", "expert", "expires_on"))
        if hipaa.expert.scope != view.release.id:
            what = f"the expert's determination is about '{hipaa.expert.scope}', not about this release"
            yield Problem(what, "have this release determined", ("hipaa", "expert", "scope"))
    if hipaa is None or hipaa.way == "safe_harbor":
        for fate in view.fates:
            if fate.leaves and _is_genome(fate):
                what = f"{fate.name} holds genome data and rests on Safe Harbor alone"
                yield Problem(what, "have an expert determine the risk, or drop it", fate.keys)


def _is_genome(fate: Fate) -> bool:
    genomes = {code for code in IdentificationCode if code.value.startswith("genome_")}
    return fate.source.code in genomes or fate.source.role is ColumnRole.GENOTYPE
