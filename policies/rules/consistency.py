"""Rules that hold a release together: the names in its method, its purposes (CONS-02, 03)."""

from collections import Counter
from collections.abc import Iterator, Mapping

from policies.library import PolicyKind
from policies.model.method import AlleleFrequencies, DpQuery, DpStatistics, DpSynthetic, Microdata, SmallCells
from policies.model.sensitive import Closeness, key_of
from policies.places import Key
from policies.rules.events import event_problems
from policies.rules.synthetic import names_of_synthetic
from policies.rules.view import Fate, Parameters, Problem, ReleaseView, listed, words
from policies.vocabulary import ColumnRole, ColumnType, RecipientKind, TableKind

_QUASI: tuple[Key, ...] = ("method", "quasi_identifiers")


def names_are_columns(view: ReleaseView, _: Parameters) -> Iterator[Problem]:
    """CONS-02: every column that the method names is there, in a form the method can use."""
    method = view.release.method
    if isinstance(method, Microdata):
        yield from _microdata(view, method)
    elif isinstance(method, SmallCells):
        yield from _grouped(view, method.table, method.by, ("method",))
    elif isinstance(method, DpStatistics):
        for index, query in enumerate(method.queries):
            keys: tuple[Key, ...] = ("method", "queries", index)
            yield from _grouped(view, query.table, [*query.grouped, *(key.column for key in query.where or ())], keys)
            yield from _value(view, query.value, query.table, (*keys, "value"))
            for place, predictor in enumerate(query.predictors or ()):
                yield from _value(view, predictor.column, query.table, (*keys, "predictors", place, "column"))
            if query.status is not None:
                yield from _grouped(view, query.table, [query.status.column], (*keys, "status"))
            if query.outcome is not None:
                yield from _grouped(view, query.table, [query.outcome.column], (*keys, "outcome"))
            yield from _codebook(view, query, keys)
    elif isinstance(method, DpSynthetic):
        yield from names_of_synthetic(view, method)
    elif isinstance(method, AlleleFrequencies):
        yield from _genotypes(view, method)


def _microdata(view: ReleaseView, method: Microdata) -> Iterator[Problem]:
    source = view.source_table(method.record)
    if source is None or source.kind not in {TableKind.PERSON, TableKind.EVENT}:
        what = f"the record table '{method.record}' is not a person or event table of this release"
        yield Problem(what, "name one of its `tables`", ("method", "record"))
        return
    fates = {fate.column.output_name: fate for fate in view.fates_of(method.record) if fate.leaves}
    for index, name in enumerate(method.quasi_identifiers):
        keys: tuple[Key, ...] = (*_QUASI, index)
        fate = fates.get(name)
        if fate is None:
            what = f"quasi-identifier '{name}' is not an output column of '{method.record}'"
            yield Problem(what, f"write one of {listed(sorted(fates))}, or add the column", keys)
        elif fate.is_key:
            yield Problem(f"the key '{name}' cannot be a quasi-identifier", "remove it", keys)
        elif fate.source.type in {ColumnType.DATE, ColumnType.TIMESTAMP} and not fate.is_coarsened:
            what = f"quasi-identifier '{name}' is an exact date; classes are formed after generalization"
            yield Problem(what, "use to_age, truncate_date or generalize", keys)
    repeated = [name for name, times in Counter(method.quasi_identifiers).items() if times > 1]
    if repeated:
        yield Problem(f"quasi-identifiers are named twice: {listed(repeated)}", "name each once", _QUASI)
    yield from _sensitive(view, method, fates)
    yield from event_problems(view, method)


def _sensitive(view: ReleaseView, method: Microdata, fates: Mapping[str, Fate]) -> Iterator[Problem]:
    seen = set()
    for index, criterion in enumerate(method.sensitive):
        model = (criterion.column, key_of(criterion))
        if model in seen:
            what = f"'{criterion.column}' has the model {criterion.model} twice"
            yield Problem(what, "keep the stricter one", ("method", "sensitive", index))
        seen.add(model)
        if isinstance(criterion, Closeness) and criterion.hierarchy is not None:
            yield from _distance(view, criterion.hierarchy, index)
        keys: tuple[Key, ...] = ("method", "sensitive", index, "column")
        if criterion.column not in fates:
            what = f"sensitive column '{criterion.column}' is not an output column of '{method.record}'"
            yield Problem(what, f"write one of {listed(sorted(fates))}, or add the column", keys)
        elif criterion.column in method.quasi_identifiers:
            what = f"'{criterion.column}' is both quasi-identifier and sensitive"
            yield Problem(what, "choose one; a class has one value of a quasi-identifier", keys)


def _distance(view: ReleaseView, hierarchy: str, index: int) -> Iterator[Problem]:
    library = view.library
    if hierarchy not in library.hierarchies and not library.is_broken(PolicyKind.HIERARCHY, hierarchy):
        what = f"there is no hierarchy '{hierarchy}' to measure distances in"
        fix = f"write hierarchies/{hierarchy}.yaml, or correct the name"
        yield Problem(what, fix, ("method", "sensitive", index, "hierarchy"))


def _grouped(
    view: ReleaseView, table: str, by: tuple[str, ...] | list[str], keys: tuple[Key, ...]
) -> Iterator[Problem]:
    if view.source_table(table) is None:
        yield Problem(f"'{table}' is not a table of this release", "name one of its `tables`", (*keys, "table"))
        return
    known = {fate.column.output_name for fate in view.fates_of(table) if fate.is_used and not fate.is_key}
    for index, name in enumerate(by):
        if name not in known:
            what = f"'{name}' is not a column that '{table}' can be counted by"
            yield Problem(what, f"write one of {listed(sorted(known))}", (*keys, "by", index))
    if len(set(by)) != len(by):
        yield Problem("a column is named twice in `by`", "name each once", (*keys, "by"))


def _codebook(view: ReleaseView, query: DpQuery, keys: tuple[Key, ...]) -> Iterator[Problem]:
    """A key of a column that is kept as it is stands in the column's `allowed` values, where the dataset closes them."""
    public: list[tuple[str, tuple[str, ...], tuple[Key, ...]]] = [
        (key.column, key.values, (*keys, "by", place)) for place, key in enumerate(query.by)
    ]
    if query.status is not None:
        public.append((query.status.column, (*query.status.observed, *query.status.censored), (*keys, "status")))
    if query.outcome is not None:
        public.append((query.outcome.column, (*query.outcome.event, *query.outcome.no_event), (*keys, "outcome")))
    fates = {fate.column.output_name: fate for fate in view.fates_of(query.table)}
    for column, values, place in public:
        fate = fates.get(column)
        if fate is None or fate.source.allowed is None or not set(fate.operations) <= {"keep", "aggregate_only"}:
            continue
        strange = [value for value in values if value not in fate.source.allowed]
        if strange:
            what = f"keys of '{column}' are not among its `allowed` values: {listed(strange)}"
            yield Problem(what, "write the codes of the dataset policy; others would always be empty", place)


def _value(view: ReleaseView, name: str | None, table: str, keys: tuple[Key, ...]) -> Iterator[Problem]:
    if name is None or view.source_table(table) is None:
        return
    fate = next((fate for fate in view.fates_of(table) if fate.column.output_name == name), None)
    numeric = {ColumnType.INTEGER, ColumnType.DECIMAL}
    is_number = fate is not None and (
        fate.source.type in numeric or bool({"to_age", "to_duration_days"} & set(fate.operations))
    )
    if fate is None or not fate.is_used or not is_number:
        what = f"'{name}' is not a numeric column of '{table}'"
        yield Problem(what, "name a number to sum", keys)


def _genotypes(view: ReleaseView, method: AlleleFrequencies) -> Iterator[Problem]:
    source = view.source_table(method.table)
    if source is None or source.kind is not TableKind.GENOTYPE:
        what = f"'{method.table}' is not a genotype table of this release"
        yield Problem(what, "name the genotype table", ("method", "table"))
    elif not any(
        fate.table.table == method.table and fate.source.role is ColumnRole.GENOTYPE and fate.is_used
        for fate in view.fates
    ):
        what = f"no genotype column of '{method.table}' is used"
        yield Problem(what, "write `treat: {op: aggregate_only}` for it", ("method", "table"))


def purposes_are_clear(view: ReleaseView, parameters: Parameters) -> Iterator[Problem]:
    """CONS-03: exactly one DUO permission; disease-specific needs a disease; non-commercial excludes companies."""
    purposes, keys = view.release.purposes, ("purposes", "duo")
    permissions = [term for term in purposes.duo if term in words(parameters, "permissions")]
    if len(permissions) != 1:
        what = f"the purposes name {len(permissions)} DUO permissions"
        yield Problem(what, f"name exactly one of {', '.join(words(parameters, 'permissions'))}", keys)
    known = {*words(parameters, "permissions"), *words(parameters, "modifiers")}
    unknown = [term for term in purposes.duo if term not in known]
    if unknown:
        yield Problem(f"{', '.join(unknown)} is not a DUO data-use term", "use the terms of DUO", keys)
    if set(words(parameters, "disease_specific")) & set(permissions) and not purposes.mondo:
        what = "the use is disease-specific, and no disease is named"
        yield Problem(what, "name it under `mondo`", keys)
    closed = set(words(parameters, "not_for_companies")) & set(purposes.duo)
    for index, recipient in enumerate(view.release.recipients):
        if closed and recipient.kind is RecipientKind.COMPANY:
            what = f"recipient {recipient.id} is a company; {', '.join(sorted(closed))} forbids commercial use"
            yield Problem(what, "remove the recipient or the term", ("recipients", index, "kind"))
