"""Faults of treatments: operations that make no sense for a column, for a hierarchy, or one after another."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from types import MappingProxyType

from policies.errors import PolicyError
from policies.files import levels_file
from policies.library import PolicyKind, PolicyLibrary
from policies.model import Column, HierarchyPolicy
from policies.model.code_ladders import CodeSystemLevels, PlaceLevels, PostalCodeLevels
from policies.model.hierarchy import (
    DateLevels,
    FileLevels,
    Icd10Levels,
    IntervalLevels,
    PrefixLevels,
    TableLevels,
    height_of_levels,
)
from policies.model.ladders import AgeLevels, CalendarLevels, RangeLevels
from policies.model.method import Microdata, PrivateMethod
from policies.model.treatment import Generalize, Pseudonymize, RollUpRare, ToAge, ToDurationDays, Treatment
from policies.places import Key
from policies.rules.perturbation import perturbation_faults
from policies.rules.view import KEY_ROLES, Fate, Fault, ReleaseView
from policies.vocabulary import ColumnClass, ColumnRole, ColumnType, OutputCategory, TableKind

_ANY = frozenset(ColumnType)
_DATES = frozenset({ColumnType.DATE, ColumnType.TIMESTAMP})
_NUMBERS = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL})
_PLAIN = frozenset({ColumnType.STRING, ColumnType.BOOLEAN}) | _NUMBERS | _DATES

_TYPES = MappingProxyType(
    {
        "drop_column": (_ANY, None),
        "reject_at_landing": (_ANY, None),
        "aggregate_only": (_ANY, None),
        "keep": (_ANY, None),
        "pseudonymize": (frozenset({ColumnType.STRING, ColumnType.INTEGER}), ColumnType.STRING),
        "to_age": (_DATES, ColumnType.INTEGER),
        "to_duration_days": (_DATES, ColumnType.INTEGER),
        "date_shift": (_DATES, None),
        "truncate_date": (_DATES, ColumnType.STRING),
        "to_prefecture": (frozenset({ColumnType.STRING}), ColumnType.STRING),
        "generalize": (_PLAIN, ColumnType.STRING),
        "roll_up_rare": (_PLAIN, ColumnType.STRING),
        "top_code": (_NUMBERS, None),
        "bottom_code": (_NUMBERS, None),
        "round": (_NUMBERS, None),
        "microaggregate": (_NUMBERS, ColumnType.DECIMAL),
        "round_randomly": (_NUMBERS, None),
        "add_noise": (_NUMBERS, ColumnType.DECIMAL),
    }
)
"""What each operation takes, and what it makes (None: the same type)."""
_LEVELS_TAKE = MappingProxyType(
    {
        IntervalLevels: _NUMBERS | {ColumnType.STRING},
        DateLevels: _DATES | {ColumnType.STRING},
        Icd10Levels: frozenset({ColumnType.STRING}),
        CalendarLevels: _DATES | {ColumnType.STRING},
        RangeLevels: _NUMBERS | {ColumnType.STRING},
        AgeLevels: frozenset({ColumnType.INTEGER, ColumnType.STRING}),
        PostalCodeLevels: frozenset({ColumnType.STRING}),
        PlaceLevels: frozenset({ColumnType.STRING}),
        CodeSystemLevels: frozenset({ColumnType.STRING}),
    }
)
"""What a kind of hierarchy knows; tables, files and prefixes take what they list."""
_ALONE = frozenset({"drop_column", "reject_at_landing", "keep"})
_WHY = "an operation that cannot work must not look as if it did"


def treatment_faults(view: ReleaseView) -> Iterator[Fault]:
    """Check every operation of every column: order, types, other columns and hierarchies it names."""
    for fate in view.fates:
        yield from _order(fate)
        if fate.is_used and is_gone(fate.source):
            what = f"{fate.name} is used, but pseudonymization removes it before any release"
            yield Fault("column-gone", what, _WHY, "treat it with drop_column", (*fate.keys, "treat"))
        kind = fate.source.type
        for index, step in enumerate(fate.column.treat):
            keys: tuple[Key, ...] = (*fate.keys, "treat", index)
            takes, makes = _TYPES[step.op]
            if kind not in takes:
                what = f"{step.op} does not work on {kind.en} ({fate.name})"
                yield Fault("treatment-type", what, _WHY, "use another operation, or correct the column's type", keys)
                break
            yield from _dates(view, fate, step, keys)
            yield from _meaning(view, fate, step, keys)
            yield from perturbation_faults(view, fate, step, keys)
            if isinstance(step, (Generalize, RollUpRare)):
                yield from _hierarchy(view, fate, step, kind, keys)
            kind = makes or kind


def is_gone(column: Column) -> bool:
    """Return whether a column never reaches a release: stage 4 removes what identifies by itself (APPI-17, 22)."""
    if column.role in KEY_ROLES or column.role is ColumnRole.GENOTYPE:
        return False
    gone = {ColumnClass.IDENTIFICATION_CODE, ColumnClass.FREE_TEXT, ColumnClass.PROPERTY_DAMAGE}
    if column.role in {ColumnRole.IDENTIFIER, ColumnRole.FREE_TEXT} or gone & set(column.classes):
        return True
    return ColumnClass.DIRECT_IDENTIFIER in column.classes and column.role is not ColumnRole.QUASI_IDENTIFIER


def _meaning(view: ReleaseView, fate: Fate, step: Treatment, keys: tuple[Key, ...]) -> Iterator[Fault]:
    """Check what an operation means in this release."""
    if isinstance(step, Pseudonymize) and (step.method, step.scope) not in {("random", "release"), ("hmac", "project")}:
        what = f"{fate.name}: {step.method} ids do not have the scope '{step.scope}'"
        why = "random ids are drawn for one release and forgotten; keyed pseudonyms belong to a project"
        yield Fault("pseudonymize-scope", what, why, "write random with release, or hmac with project", keys)
    is_statistic = view.release.output_category in {OutputCategory.STATISTICS, OutputCategory.SYNTHETIC}
    is_of_a_site = fate.source_table.kind is TableKind.GENOTYPE and fate.source.role is not ColumnRole.GENOTYPE
    if is_statistic and fate.leaves and not is_of_a_site and step is fate.column.treat[-1]:
        what = f"{fate.name} would leave row by row, and the release is {view.release.output_category.en}"
        why = "a statistic uses columns and gives none away"
        yield Fault("rows-in-statistics", what, why, "end with aggregate_only, or drop it", (*fate.keys, "treat"))
    is_searched = isinstance(step, Generalize) and step.level == "search"
    if isinstance(view.release.method, PrivateMethod) and (is_searched or isinstance(step, RollUpRare)):
        what = f"{fate.name}: {step.op} looks at other people's rows"
        why = "differential privacy bounds one person's effect; such a treatment lets one person move others"
        yield Fault("data-dependent-treatment", what, why, "generalize to a fixed level", keys)


def _order(fate: Fate) -> Iterator[Fault]:
    operations = fate.operations
    if len(operations) > 1 and _ALONE & set(operations):
        what = f"{fate.name}: {', '.join(sorted(_ALONE & set(operations)))} stands beside other operations"
        yield Fault("treatment-order", what, _WHY, "write it alone", (*fate.keys, "treat"))
    if "aggregate_only" in operations[:-1]:
        what = f"{fate.name}: something follows aggregate_only"
        yield Fault("treatment-order", what, _WHY, "write it last", (*fate.keys, "treat"))


def _dates(view: ReleaseView, fate: Fate, step: Treatment, keys: tuple[Key, ...]) -> Iterator[Fault]:
    if isinstance(step, ToAge):
        name, key = step.at, "at"
    elif isinstance(step, ToDurationDays):
        name, key = step.since, "since"
    else:
        return
    dates = {other.column.name for other in view.fates if other.source.type in _DATES}
    if name not in dates - {fate.column.name}:
        what = f"{fate.name}: '{name}' is not another date column of the release"
        yield Fault("treatment-date", what, _WHY, "name a date column of the record", (*keys, key))


def _hierarchy(
    view: ReleaseView, fate: Fate, step: Generalize | RollUpRare, kind: ColumnType, keys: tuple[Key, ...]
) -> Iterator[Fault]:
    hierarchy = view.library.hierarchies.get(step.hierarchy)
    if hierarchy is None:
        if not view.library.is_broken(PolicyKind.HIERARCHY, step.hierarchy):
            what = f"there is no hierarchy '{step.hierarchy}'"
            fix = f"write hierarchies/{step.hierarchy}.yaml, or correct the name"
            yield Fault("unknown-hierarchy", what, "labels come from a reviewed hierarchy", fix, (*keys, "hierarchy"))
        return
    takes = _LEVELS_TAKE.get(type(hierarchy.levels))
    if takes is not None and kind not in takes:
        what = f"hierarchy '{step.hierarchy}' does not know {kind.en} ({fate.name})"
        fix = "turn the column into what the hierarchy knows first, or use another hierarchy"
        yield Fault("treatment-type", what, _WHY, fix, (*keys, "hierarchy"))
    level = step.start_level if isinstance(step, RollUpRare) else step.level
    height = height_of(hierarchy)
    if isinstance(level, int) and height is not None and level >= height:
        what = f"hierarchy '{step.hierarchy}' has levels 0 … {height - 1}"
        yield Fault("hierarchy-level", what, "a level that is not there coarsens nothing", "choose one", keys)
    if level == "search" and not _is_searched(view, fate):
        what = f"{fate.name}: the level is searched, but the column is not a quasi-identifier of the method"
        fix = "write a level, or add the column to `method.quasi_identifiers` or `method.events`"
        yield Fault(
            "search-level", what, "only quasi-identifiers and events of microdata are searched", fix, (*keys, "level")
        )


def _is_searched(view: ReleaseView, fate: Fate) -> bool:
    method = view.release.method
    last = fate.column.treat[-1]
    is_last = isinstance(last, Generalize) and last.level == "search"
    if not isinstance(method, Microdata) or not is_last:
        return False
    is_event = (fate.table.table, fate.column.output_name) in method.event_columns
    return is_event or fate.column.output_name in method.quasi_identifiers


def height_of(hierarchy: HierarchyPolicy) -> int | None:
    """Return the number of levels, level 0 and the root counted; None where only its file knows."""
    return height_of_levels(hierarchy.levels)


def hierarchy_faults(hierarchy: HierarchyPolicy, library: PolicyLibrary) -> Iterator[Fault]:
    """Check that a hierarchy is one: a higher level never splits what a lower level joined."""
    levels, keys = hierarchy.levels, ("levels",)
    if isinstance(levels, IntervalLevels):
        yield from _intervals(levels)
    elif isinstance(levels, PrefixLevels) and any(longer <= shorter for longer, shorter in pairwise(levels.lengths)):
        what = "the lengths do not decrease"
        yield Fault("hierarchy", what, "each level is coarser", "write the longest first", (*keys, "lengths"))
    elif isinstance(levels, DateLevels) and levels.first_year > levels.last_year:
        what = "the first year is after the last"
        yield Fault("hierarchy", what, "no date would be known", "correct the years", (*keys, "first_year"))
    elif isinstance(levels, TableLevels):
        yield from _rows(levels)
    elif isinstance(levels, FileLevels):
        try:
            levels_file(library.file_of(PolicyKind.HIERARCHY, hierarchy.id), levels.path)
        except PolicyError as error:
            yield Fault("hierarchy", error.what, error.why, error.fix, (*keys, "path"))


def _intervals(levels: IntervalLevels) -> Iterator[Fault]:
    if levels.low >= levels.high:
        what = "the lowest number is not below the highest"
        yield Fault("hierarchy", what, "no number would be known", "correct the bounds", ("levels", "low"))
    for finer, coarser in pairwise((1, *levels.widths)):
        if coarser <= finer or coarser % finer:
            what = f"intervals of {coarser} do not consist of whole intervals of {finer}"
            why = "a higher level must never split a class of a lower one"
            yield Fault("hierarchy", what, why, "make each width a multiple of the one before", ("levels", "widths"))
    if levels.top_from is not None and not levels.low < levels.top_from <= levels.high:
        what = "the open class does not begin within the bounds"
        yield Fault(
            "hierarchy", what, "the top class would hold nobody, or everybody", "correct it", ("levels", "top_from")
        )


def _rows(levels: TableLevels) -> Iterator[Fault]:
    height = len(levels.rows[0])
    parents: dict[tuple[int, str], str] = {}
    leaves: set[str] = set()
    for index, row in enumerate(levels.rows):
        keys: tuple[Key, ...] = ("levels", "rows", index)
        if len(row) != height or height < 2 or row[0] in leaves or row[-1] != "*":
            what = f"row {index + 1} is a repeated value, has not {height} levels (at least 2), or does not end in '*'"
            yield Fault("hierarchy", what, "every value has one label at every level", "correct the row", keys)
            continue
        leaves.add(row[0])
        for level, (label, parent) in enumerate(pairwise(row)):
            if parents.setdefault((level, label), parent) != parent:
                what = f"row {index + 1} gives a label of level {level} a second parent"
                why = "a higher level must never split a class of a lower one"
                yield Fault("hierarchy", what, why, "give equal labels equal parents", keys)
    yield from _circle(levels)


def _circle(levels: TableLevels) -> Iterator[Fault]:
    """Refuse a label that is broader than itself; from level to level it may only stay what it is."""
    broader: dict[str, set[str]] = {}
    for label, parent in (pair for row in levels.rows for pair in pairwise(row) if pair[0] != pair[1]):
        broader.setdefault(label, set()).add(parent)
    try:
        TopologicalSorter(broader).prepare()
    except CycleError as error:
        circle = set(pairwise(reversed(error.args[1]))) | set(pairwise(error.args[1]))
        index = next(index for index, row in enumerate(levels.rows) if circle & set(pairwise(row)))
        what = f"row {index + 1} is part of a circle: a label is broader than itself"
        fix = "give the label of one level another name"
        yield Fault("hierarchy", what, "a value becomes coarser, never itself again", fix, ("levels", "rows", index))
