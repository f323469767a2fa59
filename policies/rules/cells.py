"""Rules on cell sizes, by regime: NDB, long-term care, DPC, CMS, All of Us, EMA, statistical offices, the house (CELL-…)."""

from collections.abc import Iterator
from fractions import Fraction

from policies.model.hierarchy import IntervalLevels
from policies.model.ladders import AgeLevels
from policies.model.method import AlleleFrequencies, DpStatistics, DpSynthetic, Microdata, SmallCells
from policies.model.treatment import BottomCode, Generalize, Round, TopCode
from policies.places import Key
from policies.rules.unusual import ends_in_open_class
from policies.rules.view import ANONYMIZED, Fate, Parameters, Problem, ReleaseView, fraction, number, words
from policies.vocabulary import ColumnClass, ColumnMeaning, ColumnRole, OutputCategory, PublicDatabase

_MIN_CELL: tuple[Key, ...] = ("method", "min_cell")


def cells_are_large(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-NDB-1: no cell of 1 … 9 people is shown, and where few people live, none of 1 … 19 or none at all."""
    yield from _least(view, parameters)
    yield from _municipalities(view, parameters)


def care_cells_are_large(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-KAIGO: as NDB, and no cell of fewer than three institutions: a table by institution has one in each."""
    yield from _least(view, parameters)
    yield from _municipalities(view, parameters)
    for fate in _by(view):
        if fate.source.meaning is ColumnMeaning.INSTITUTION and not fate.is_coarsened:
            what = f"the table goes by {fate.name}: every cell is one institution, fewer than three"
            yield Problem(what, "group institutions by area or size", fate.keys)


def dpc_cells_are_large(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-DPC: counts below 10 are a hyphen."""
    yield from _least(view, parameters)


def us_cells_are_large(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-CMS: no cell of 1 … 10, nor a way to compute one; complementary suppression is part of the method."""
    yield from _least(view, parameters)


def cohort_cells_are_large(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-AOU: no count of 1 … 20, of people or of alleles."""
    yield from _least(view, parameters)
    method, least = view.release.method, number(parameters, "min_cell")
    if isinstance(method, AlleleFrequencies) and method.min_allele_count < least:
        what = f"alleles seen {method.min_allele_count} times are shown"
        yield Problem(what, f"write `min_allele_count: {least}` or more", ("method", "min_allele_count"))


def cells_follow_the_house(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-HOUSE: the least count is the house's; that hidden cells stay hidden is recounted on the table itself."""
    yield from _least(view, parameters)


def _least(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    method, least = view.release.method, number(parameters, "min_cell")
    if isinstance(method, SmallCells) and method.min_cell < least:
        what = f"cells from {method.min_cell} people on are shown (最小集計単位違反)"
        yield Problem(what, f"write `min_cell: {least}` or more", _MIN_CELL)


def _municipalities(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    method = view.release.method
    if not isinstance(method, SmallCells):
        return
    named = {fate.column.output_name: fate for fate in _by(view) if _is_municipality(fate)}
    tiers = method.municipality
    for name, fate in named.items():
        if tiers is None or tiers.column != name:
            what = f"the table goes by municipality ({fate.name}), and nothing says how many people live there"
            yield Problem(what, "write `method.municipality` with inhabitants and tiers", ("method",))
    if tiers is None:
        return
    if tiers.column not in method.by:
        what = f"'{tiers.column}' is not a column that the table goes by"
        yield Problem(what, "correct `municipality.column`", ("method", "municipality", "column"))
    for field, least in (
        ("none_below", number(parameters, "municipality_none_below")),
        ("raised_below", number(parameters, "municipality_raised_below")),
        ("raised_min_cell", number(parameters, "municipality_min_cell")),
    ):
        if getattr(tiers, field) < least:
            what = f"the tier `{field}` is {getattr(tiers, field)} (人口の段階)"
            yield Problem(what, f"write `{field}: {least}` or more", ("method", "municipality", field))


def _by(view: ReleaseView) -> list[Fate]:
    """Return the columns that the release's tables go by."""
    method = view.release.method
    if isinstance(method, SmallCells):
        named = {(method.table, name) for name in method.by}
    elif isinstance(method, DpStatistics):
        named = {(query.table, column) for query in method.queries for column in query.grouped}
    elif isinstance(method, DpSynthetic):
        named = {(method.table, each.column) for each in method.columns if each.feature is None}
    else:
        return []
    found = [
        fate
        for table, name in sorted(named)
        for fate in view.fates_of(table)
        if fate.column.output_name == name and fate.is_used
    ]
    return list({fate.keys: fate for fate in found}.values())


def _out(view: ReleaseView) -> list[Fate]:
    """Return the columns that leave: in rows, or as what a table goes by."""
    return [*(fate for fate in view.fates if fate.leaves), *_by(view)]


def _is_municipality(fate: Fate) -> bool:
    return fate.source.meaning is ColumnMeaning.MUNICIPALITY and not fate.is_coarsened


def drugs_are_counted_by_people(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """CELL-NDB-2: a table by drug counts people; one of a table that knows no people would show quantities."""
    for fate in _by(view):
        is_drug = fate.source.meaning is ColumnMeaning.DRUG
        if is_drug and fate.source_table.person_key is None:
            what = f"the table goes by the drugs of {fate.name}, whose rows name no person"
            yield Problem(what, "count a table that names people", fate.keys)
        elif is_drug and _counts_rows(view, fate):
            what = f"rows, not people, are counted by {fate.name}"
            yield Problem(what, "write `statistic: people`", fate.keys)


def _counts_rows(view: ReleaseView, fate: Fate) -> bool:
    method = view.release.method
    return isinstance(method, DpStatistics) and any(
        query.statistic == "rows" and fate.column.output_name in query.grouped for query in method.queries
    )


def institutions_are_judged(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """CELL-NDB-3: a table by institution or insurer waits for a person: each cell is one, fewer than three."""
    for fate in _by(view):
        if fate.source.meaning in {ColumnMeaning.INSTITUTION, ColumnMeaning.INSURER} and not fate.is_coarsened:
            what = f"the table goes by {fate.name}: every cell is one {fate.source.meaning.en}"
            yield Problem(what, "group them, or judge that nobody is identified by matching, and accept it", fate.keys)


def areas_are_wide(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """CELL-NDB-4: nothing finer than a municipality leaves, and municipalities are not crossed with kinds of insurer."""
    out = _out(view)
    insurers = [fate for fate in out if fate.source.meaning in {ColumnMeaning.INSURER_TYPE, ColumnMeaning.INSURER}]
    for fate in out:
        is_address = fate.has(ColumnClass.DIRECT_IDENTIFIER) and fate.source.role is ColumnRole.QUASI_IDENTIFIER
        if (is_address and not fate.is_coarsened_for_sure) or (
            fate.source.meaning is ColumnMeaning.SMALL_AREA and not fate.is_coarsened
        ):
            what = f"{fate.name} is finer than a municipality"
            yield Problem(what, "coarsen it to the municipality or the secondary medical area", fate.keys)
        if _is_municipality(fate) and insurers:
            what = f"{fate.name} (municipality) is crossed with {insurers[0].name} (kind of insurer)"
            yield Problem(what, "drop one of them, or use the secondary medical area", fate.keys)


def deaths_and_births_are_binned(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-NDB-5: times of death leave in wide bins; birth weights in bins, pooled at both ends."""
    hours, grams = number(parameters, "death_hours"), number(parameters, "birth_grams")
    low, high = number(parameters, "birth_low"), number(parameters, "birth_high")
    for fate in {fate.keys: fate for fate in _out(view)}.values():
        is_dated = bool({"truncate_date", "to_age", "to_duration_days"} & set(fate.operations))
        if fate.source.meaning is ColumnMeaning.TIME_OF_DEATH and not (is_dated or _grid(view, fate) >= hours):
            what = f"{fate.name} leaves finer than {hours} hours"
            yield Problem(what, f"round it to {hours} hours, truncate it, or drop it", fate.keys)
        if fate.source.meaning is ColumnMeaning.BIRTH_WEIGHT:
            top = any(isinstance(step, TopCode) and step.limit <= high for step in fate.column.treat)
            bottom = any(isinstance(step, BottomCode) and step.limit >= low for step in fate.column.treat)
            if not (top and bottom and _grid(view, fate) >= grams):
                what = f"{fate.name} is not in bins of {grams} g between {low} and {high} g"
                yield Problem(what, f"use top_code {high}, bottom_code {low} and round to {grams}", fate.keys)


def ages_are_classes(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-NDB-6: a table by age has classes of five years or more, and one open class at the top."""
    years, top = number(parameters, "years"), number(parameters, "top_at_most")
    for fate in _by(view):
        if "to_age" not in fate.operations:
            continue
        if _grid(view, fate) < years:
            what = f"{fate.name} is counted by ages finer than {years} years"
            yield Problem(what, f"generalize it to classes of {years} years", fate.keys)
        if not ends_in_open_class(view, fate, top):
            what = f"{fate.name} is counted by ages without an open class of {top} or below"
            yield Problem(what, "use a hierarchy with `top_from`, or top_code", fate.keys)


def _grid(view: ReleaseView, fate: Fate) -> Fraction:
    """Return how wide the bins of a number are after its treatment; 0 where they are as fine as the source."""
    widest = Fraction(0)
    for step in fate.column.treat:
        if isinstance(step, Round):
            widest = max(widest, Fraction(step.to))
        if isinstance(step, Generalize) and isinstance(step.level, int) and step.level > 0:
            hierarchy = view.library.hierarchies.get(step.hierarchy)
            if hierarchy is not None and isinstance(hierarchy.levels, IntervalLevels):
                widths = (*hierarchy.levels.widths, hierarchy.levels.high - hierarchy.levels.low)
                widest = max(widest, Fraction(widths[min(step.level, len(widths)) - 1]))
            if hierarchy is not None and isinstance(hierarchy.levels, AgeLevels):
                widest = max(widest, Fraction(hierarchy.levels.width_at(step.level)))
    return widest


def _from_ndb(view: ReleaseView) -> list[tuple[str, str]]:
    """Return the datasets that come from NDB, with the country they are stored in."""
    return [
        (dataset.id, source.stored_in)
        for dataset in view.datasets.values()
        for source in dataset.derived_from or ()
        if source.database is PublicDatabase.NDB
    ]


def ndb_stays_in_japan(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """CELL-NDB-7: what comes from NDB is stored in Japan and given to nobody abroad."""
    ndb = _from_ndb(view)
    for name, country in ndb:
        if country != "JP":
            what = f"dataset '{name}' comes from NDB and is stored in {country} (国内保管)"
            yield Problem(what, "store it in Japan", ("tables",))
    for index, recipient in enumerate(view.release.recipients if ndb else ()):
        if recipient.country != "JP":
            what = f"recipient {recipient.id} is in {recipient.country}, and the data come from NDB (国内利用)"
            yield Problem(what, "remove it", ("recipients", index, "country"))


def ndb_rows_are_anonymized(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """CELL-NDB-8: rows from NDB leave as anonymized information only; statistics may leave."""
    allowed = ANONYMIZED | {OutputCategory.STATISTICS}
    for name, _country in _from_ndb(view):
        if view.category not in allowed:
            what = f"dataset '{name}' comes from NDB, and leaves as {view.category.en}"
            yield Problem(what, "anonymize it, or release statistics", ("output_category",))


def no_marketing_no_matching(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-NDB-9: advertising, marketing and matching are prohibited uses."""
    missing = [use for use in words(parameters, "uses") if use not in view.release.prohibited_uses]
    if missing:
        yield Problem(f"{', '.join(missing)} is not prohibited", "add it to `prohibited_uses`", ("prohibited_uses",))


def record_risk_is_small(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-EMA: the tolerated risk of a record is at most the regime's, and k keeps it."""
    method, most = view.release.method, fraction(parameters, "most_risk")
    if not isinstance(method, Microdata):
        return
    if Fraction(str(method.max_record_risk)) > most:
        what = f"a record's risk may be {method.max_record_risk}"
        yield Problem(what, f"write at most {parameters['most_risk']}", ("method", "max_record_risk"))
    if Fraction(1, method.k) > most:
        yield Problem(f"k = {method.k} leaves a risk of 1/{method.k}", "raise `k`", ("method", "k"))


def magnitudes_are_bounded(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CELL-SDC: no frequency below three, and sums whose largest contributor could dominate are clipped in rows and range."""
    method, least = view.release.method, number(parameters, "min_frequency")
    shown = method.min_cell if isinstance(method, SmallCells) else least
    if isinstance(method, AlleleFrequencies):
        shown = method.min_allele_count
    if shown < least:
        key = "min_cell" if isinstance(method, SmallCells) else "min_allele_count"
        yield Problem(f"frequencies of {shown} are shown", f"write {least} or more", ("method", key))
    if not isinstance(method, DpStatistics):
        return
    most_rows = number(parameters, "most_rows_per_person")
    for index, query in enumerate(method.queries):
        if query.value is not None and query.bounds.rows_per_person_per_cell > most_rows:
            what = f"one person may put {query.bounds.rows_per_person_per_cell} values into a cell of '{query.name}'"
            keys: tuple[Key, ...] = ("method", "queries", index, "bounds", "rows_per_person_per_cell")
            yield Problem(what, f"write {most_rows} or less, so that no contributor dominates (優越則)", keys)
