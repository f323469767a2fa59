"""What a policy of synthetic people must name rightly: its tables, columns and features, and marginals of a size that can be drawn.

Parts of CONS-02 (names) and DP-02 (public bounds); `consistency` and `budget` call them.
"""

from collections.abc import Iterator
from math import prod

from policies.model.method import DpSynthetic
from policies.model.synthetic import (
    ConditionalMeans,
    Faithfulness,
    Feature,
    LabelColumn,
    MarginalError,
    NumberColumn,
)
from policies.model.treatment import TruncateDate
from policies.places import Key
from policies.rules.view import Fate, Problem, ReleaseView, listed
from policies.vocabulary import ColumnType, TableKind

_NUMERIC = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL})
_TO_NUMBER = frozenset({"to_age", "to_duration_days"})
_AS_IT_IS = frozenset({"keep", "aggregate_only"})


def names_of_synthetic(view: ReleaseView, method: DpSynthetic) -> Iterator[Problem]:
    """CONS-02: the table has people; each column is one of its own, or a feature of another table with people."""
    if not _has_people(view, method.table):
        what = f"'{method.table}' is not a person or event table of this release"
        yield Problem(what, "name one of its `tables`", ("method", "table"))
        return
    for index, column in enumerate(method.columns):
        keys: tuple[Key, ...] = ("method", "columns", index)
        if column.feature is not None:
            yield from _feature(view, column.feature, (*keys, "feature"))
        else:
            yield from _own(view, method.table, column, keys)


def sizes_of_synthetic(method: DpSynthetic, *, most_cells: int) -> Iterator[Problem]:
    """DP-02: no marginal has more cells than can be drawn; each column has one more label, for missing."""
    sizes = {
        column.column: 1 + (len(column.values) if isinstance(column, LabelColumn) else len(column.edges) - 1)
        for column in method.columns
    }
    groups: list[tuple[tuple[str, ...], tuple[Key, ...]]] = [
        (clique, ("method", "cliques", index)) for index, clique in enumerate(method.cliques)
    ]
    groups += [((name,), ("method", "columns", index)) for index, name in enumerate(sizes)]
    for index, criterion in enumerate(method.acceptance or ()):
        keys: tuple[Key, ...] = ("method", "acceptance", index)
        if isinstance(criterion, MarginalError):
            groups += [(group, (*keys, "groups", place)) for place, group in enumerate(criterion.groups)]
        elif isinstance(criterion, ConditionalMeans):
            groups.append((criterion.by, (*keys, "by")))
        elif isinstance(criterion, Faithfulness) and criterion.differing_at_most >= len(criterion.columns):
            what = "every row differs in at most that many columns, so the criterion asks for nothing"
            yield Problem(what, "name more columns, or let fewer differ", (*keys, "differing_at_most"))
    for group, keys in groups:
        cells = prod(sizes[name] for name in group)
        if cells > most_cells:
            what = f"the marginal over {listed(group)} has {cells:,} cells, more than {most_cells:,}"
            yield Problem(what, "use fewer columns, or coarser bins", keys)


def _has_people(view: ReleaseView, table: str) -> bool:
    source = view.source_table(table)
    return source is not None and source.kind in {TableKind.PERSON, TableKind.EVENT} and source.person_key is not None


def _fate(view: ReleaseView, table: str, name: str) -> Fate | None:
    fates = (fate for fate in view.fates_of(table) if fate.is_used and not fate.is_key)
    return next((fate for fate in fates if fate.column.output_name == name), None)


def _own(view: ReleaseView, table: str, column: LabelColumn | NumberColumn, keys: tuple[Key, ...]) -> Iterator[Problem]:
    fate = _fate(view, table, column.column)
    if fate is None:
        known = sorted({one.column.output_name for one in view.fates_of(table) if one.is_used and not one.is_key})
        what = f"'{column.column}' is not a column that people of '{table}' have"
        yield Problem(what, f"write one of {listed(known)}, or a `feature`", (*keys, "column"))
    elif isinstance(column, NumberColumn):
        yield from _number(fate, column.column, (*keys, "column"))
    else:
        yield from _codebook(fate, column.values, (*keys, "values"))


def _feature(view: ReleaseView, feature: Feature, keys: tuple[Key, ...]) -> Iterator[Problem]:
    if not _has_people(view, feature.table):
        what = f"'{feature.table}' is not a table of this release whose rows name people"
        yield Problem(what, "name one of its `tables`", (*keys, "table"))
        return
    if feature.value is None:
        return
    fate = _fate(view, feature.table, feature.value)
    if fate is None:
        what = f"'{feature.value}' is not a column of '{feature.table}' that may be counted"
        yield Problem(what, "name an output column of that table", (*keys, "value"))
    elif feature.of in {"least", "greatest"}:
        yield from _number(fate, feature.value, (*keys, "value"))
    elif feature.codes is not None:
        yield from _codebook(fate, feature.codes, (*keys, "codes"))


def _number(fate: Fate, name: str, keys: tuple[Key, ...]) -> Iterator[Problem]:
    is_year = any(isinstance(step, TruncateDate) and step.to == "year" for step in fate.column.treat)
    is_number = fate.source.type in _NUMERIC or is_year or bool(_TO_NUMBER & set(fate.operations))
    if not is_number or "generalize" in fate.operations:
        yield Problem(f"'{name}' is not a number", "name a number, or write its values as labels", keys)


def _codebook(fate: Fate, values: tuple[str, ...], keys: tuple[Key, ...]) -> Iterator[Problem]:
    if fate.source.allowed is None or not set(fate.operations) <= _AS_IT_IS:
        return
    strange = [value for value in values if value not in fate.source.allowed]
    if strange:
        what = f"values of '{fate.column.output_name}' are not among its `allowed` values: {listed(strange)}"
        yield Problem(what, "write the codes of the dataset policy; others would always be empty", keys)
