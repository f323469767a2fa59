"""One builder for each kind of `levels:` in a hierarchy policy.

Here: which builder makes which kind. The laws every hierarchy keeps are in `anonymization.hierarchy`. To add a kind: a
model in `policies.model`, listed in `policies.model.hierarchy.Levels` with its height; a builder beside this file; a
line in `_BUILDERS`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from anonymization.hierarchies.ages import age_rows
from anonymization.hierarchies.codes import icd10_labels, icd10_tree, prefix_labels, system_rule
from anonymization.hierarchies.dates import calendar_rows
from anonymization.hierarchies.numbers import RangeRule, order_rows, range_rows
from anonymization.hierarchies.places import place_rows, place_rule, postal_rule
from anonymization.hierarchies.texts import frequency_rows, redaction_domain, redaction_rule
from anonymization.hierarchy import ROOT, Hierarchy, Rule, hierarchy_from_rows, read_arx_layout
from policies.errors import PolicyError
from policies.model.code_ladders import CodeSystemLevels, PlaceLevels, PostalCodeLevels
from policies.model.hierarchy import (
    DateLevels,
    FileLevels,
    HierarchyPolicy,
    Icd10Levels,
    IntervalLevels,
    PrefixLevels,
    TableLevels,
    height_of_levels,
)
from policies.model.ladders import (
    AgeLevels,
    CalendarLevels,
    FrequencyLevels,
    OrderLevels,
    RangeLevels,
    RedactionLevels,
)


def build_levels(policy: HierarchyPolicy, *, file_text: str | None = None) -> Hierarchy:
    """Build the hierarchy that a policy describes.

    Args:
        policy: The hierarchy policy.
        file_text: The text of the file that `levels: {kind: file}` names; the caller reads it.

    Raises:
        PolicyError: The levels contradict themselves, or the text of the file is missing.
    """
    if isinstance(policy.levels, FileLevels):
        return _file(policy, file_text)
    return _BUILDERS[type(policy.levels)](policy, policy.levels)


def _file(policy: HierarchyPolicy, file_text: str | None) -> Hierarchy:
    if file_text is None:
        raise PolicyError(
            "policy.hierarchy-file",
            what=f"the file of hierarchy '{policy.id}' was not given",
            why="its levels are in that file",
            fix="put the file beside the policy, under the name that `path` says",
        )
    return read_arx_layout(policy.id, file_text, on_unseen=policy.on_unseen)


def _intervals(policy: HierarchyPolicy, levels: IntervalLevels) -> Hierarchy:
    nested = all(wide % narrow == 0 and wide > narrow for narrow, wide in pairwise((1, *levels.widths)))
    top = levels.top_from
    if levels.low > levels.high or not nested or (top is not None and not levels.low < top <= levels.high):
        raise PolicyError(
            "policy.hierarchy-intervals",
            what=f"the intervals of hierarchy '{policy.id}' do not nest, or its bounds are out of order",
            why="each width must be a larger multiple of the one before it, and low < top_from <= high",
            fix="write widths such as [5, 10, 20], and bounds that hold them",
        )
    rows = []
    for number in range(levels.low, levels.high + 1):
        labels = [_interval_label(number, width, levels) for width in levels.widths]
        rows.append((str(number), *labels, ROOT))
    return hierarchy_from_rows(policy.id, rows, on_unseen=policy.on_unseen)


def _interval_label(number: int, width: int, levels: IntervalLevels) -> str:
    # Intervals start at multiples of their width, as people read ages, and are cut at the bounds and at the open class.
    top = levels.top_from
    if top is not None and number >= top:
        return f"{top}+"
    start = number // width * width
    last = levels.high if top is None else top - 1
    return f"{max(start, levels.low)}-{min(start + width - 1, last)}"


def _prefixes(policy: HierarchyPolicy, levels: PrefixLevels) -> Hierarchy:
    lengths = levels.lengths
    if any(longer <= shorter for longer, shorter in pairwise(lengths)):
        raise PolicyError(
            "policy.hierarchy-prefix",
            what=f"the lengths of hierarchy '{policy.id}' do not fall",
            why="a longer prefix after a shorter one would split a class",
            fix="write the lengths longest first, for example [5, 3]",
        )
    rule = partial(prefix_labels, lengths=lengths)
    return Hierarchy(policy.id, (), ((),) * (len(lengths) + 2), policy.on_unseen, rule)


def _dates(policy: HierarchyPolicy, levels: DateLevels) -> Hierarchy:
    if levels.first_year > levels.last_year:
        raise PolicyError(
            "policy.hierarchy-dates",
            what=f"hierarchy '{policy.id}' ends before it begins",
            why="no date lies between its years",
            fix="write first_year <= last_year",
        )
    first = date(levels.first_year, 1, 1)
    days = (date(levels.last_year, 12, 31) - first).days + 1
    rows = [_date_labels(first + timedelta(days=day)) for day in range(days)]
    return hierarchy_from_rows(policy.id, rows, on_unseen=policy.on_unseen)


def _date_labels(day: date) -> tuple[str, ...]:
    return (
        day.isoformat(),
        f"{day.year:04d}-{day.month:02d}",
        f"{day.year:04d}-Q{(day.month + 2) // 3}",
        f"{day.year:04d}",
        ROOT,
    )


def _icd10(policy: HierarchyPolicy, levels: Icd10Levels) -> Hierarchy:
    del levels  # the kind says all
    leaves, labels = icd10_tree()
    return Hierarchy(policy.id, leaves, labels, policy.on_unseen, icd10_labels)


def _table(policy: HierarchyPolicy, levels: TableLevels) -> Hierarchy:
    return hierarchy_from_rows(policy.id, levels.rows, on_unseen=policy.on_unseen)


def _calendar(policy: HierarchyPolicy, levels: CalendarLevels) -> Hierarchy:
    return hierarchy_from_rows(policy.id, calendar_rows(levels), on_unseen=policy.on_unseen)


def _ranges(policy: HierarchyPolicy, levels: RangeLevels) -> Hierarchy:
    return _listed(policy, range_rows(levels), RangeRule(levels))


def _order(policy: HierarchyPolicy, levels: OrderLevels) -> Hierarchy:
    return hierarchy_from_rows(policy.id, order_rows(levels), on_unseen=policy.on_unseen)


def _redaction(policy: HierarchyPolicy, levels: RedactionLevels) -> Hierarchy:
    return _listed(policy, (), redaction_rule(levels), domain=redaction_domain(levels))


def _frequency(policy: HierarchyPolicy, levels: FrequencyLevels) -> Hierarchy:
    return hierarchy_from_rows(policy.id, frequency_rows(levels), on_unseen=policy.on_unseen)


def _ages(policy: HierarchyPolicy, levels: AgeLevels) -> Hierarchy:
    return hierarchy_from_rows(policy.id, age_rows(levels), on_unseen=policy.on_unseen)


def _postal(policy: HierarchyPolicy, levels: PostalCodeLevels) -> Hierarchy:
    return _listed(policy, (), postal_rule(levels))


def _places(policy: HierarchyPolicy, levels: PlaceLevels) -> Hierarchy:
    return _listed(policy, place_rows(policy.id, levels), place_rule(policy.id, levels))


def _code_system(policy: HierarchyPolicy, levels: CodeSystemLevels) -> Hierarchy:
    return _listed(policy, (), system_rule(levels))


def _listed(
    policy: HierarchyPolicy, rows: Sequence[tuple[str, ...]], rule: Rule, *, domain: tuple[int, ...] | None = None
) -> Hierarchy:
    """Return the hierarchy of the rows that can be listed, and of the values that a rule knows besides."""
    height = height_of_levels(policy.levels) or 0
    leaves = tuple(row[0] for row in rows)
    labels = tuple(tuple(row[level] for row in rows) for level in range(height))
    return Hierarchy(policy.id, leaves, labels, policy.on_unseen, rule, domain)


_BUILDERS: Mapping[type, Callable[[HierarchyPolicy, Any], Hierarchy]] = MappingProxyType(
    {
        IntervalLevels: _intervals,
        TableLevels: _table,
        PrefixLevels: _prefixes,
        DateLevels: _dates,
        Icd10Levels: _icd10,
        CalendarLevels: _calendar,
        RangeLevels: _ranges,
        OrderLevels: _order,
        RedactionLevels: _redaction,
        FrequencyLevels: _frequency,
        AgeLevels: _ages,
        PostalCodeLevels: _postal,
        PlaceLevels: _places,
        CodeSystemLevels: _code_system,
    }
)
