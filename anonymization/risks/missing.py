"""What a missing value stands for, and class sizes where it stands for every value.

As a category of its own, a missing value tells records apart from others; as a wild card it matches whatever another record
has. The same table has another k under each (sdcMicro issues 225 and 352), so every figure says which it is.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from anonymization.coding import combine_codes
from anonymization.quasi import IntArray
from anonymization.risks.records import Records
from policies.errors import PolicyError

MOST_PATTERNS = 512
"""Each pattern of missing values is compared with every other."""


class MissingValues(StrEnum):
    """What a missing value is taken for."""

    OWN_CATEGORY = "own_category"
    WILD_CARD = "wild_card"


def missing_values(text: str) -> MissingValues:
    """Return the meaning that a text names.

    Raises:
        PolicyError: `policy.missing-values`: none that there is.
    """
    try:
        return MissingValues(text)
    except ValueError:
        raise PolicyError(
            "policy.missing-values",
            what="missing values were to be taken for something that is not known here",
            why="the same table has another k under each meaning, so it must be said which is meant",
            fix=f"use {' or '.join(each.value for each in MissingValues)}",
        ) from None


@dataclass(frozen=True, slots=True)
class WildCardRisk:
    """Risks where a record is hidden among all that its known values do not contradict; figures over records.

    `k` is the least number of records that any matches, itself included, `uniques` the records that match no other,
    `mean` the average of one divided by it, `at_risk` the share of records where that is above the threshold.
    """

    k: int
    uniques: int
    mean: float
    at_risk: float
    patterns: int

    def as_json(self) -> dict[str, object]:
        """Return the figures as plain JSON values."""
        return {
            "missing_values": MissingValues.WILD_CARD.value,
            "counted": "records",
            "k": self.k,
            "uniques": self.uniques,
            "max": 1.0 / self.k,
            "mean": self.mean,
            "at_risk": self.at_risk,
            "patterns_of_missing_values": self.patterns,
        }


def wild_card_risk(records: Records, *, threshold: float) -> WildCardRisk:
    """Measure the risk of records where a missing value matches every value.

    Args:
        records: The table, without people: a person's records cannot be counted once where matching is not transitive.
        threshold: Above which risk a record is at risk.

    Raises:
        PolicyError: `policy.missing-values`: people were to be counted, or there are too many patterns of missing values.

    Source: Templ, Kowarik & Meindl, Statistical disclosure control for micro-data using sdcMicro, J. Stat. Software 67(4),
    2015, section 3.2 (frequencies with missing values); `freqCalc` of sdcMicro.
    """
    if records.owner is not None:
        raise PolicyError(
            "policy.missing-values",
            what="missing values as wild cards were to be counted in people",
            why="two records that both match a third need not match each other, so people form no classes",
            fix="leave the person column out: every row then counts",
        )
    sizes, patterns = _matching(records)
    weight = records.weight.astype(float)
    return WildCardRisk(
        k=int(sizes.min()),
        uniques=int(records.weight[sizes == 1].sum()),
        mean=float((weight / sizes).sum() / weight.sum()),
        at_risk=float(weight[1.0 / sizes > threshold].sum() / weight.sum()),
        patterns=patterns,
    )


def _matching(records: Records) -> tuple[IntArray, int]:
    """Return how many records each entry matches, and how many patterns of missing values there are."""
    lacks = np.stack([codes == size - 1 for codes, size in zip(records.codes, records.sizes, strict=True)], axis=1)
    patterns, of_pattern = np.unique(lacks, axis=0, return_inverse=True)
    of_pattern = of_pattern.reshape(-1)
    if len(patterns) > MOST_PATTERNS:
        raise PolicyError(
            "policy.missing-values",
            what=f"the table has {len(patterns)} patterns of missing values",
            why=f"each is compared with every other, and no more than {MOST_PATTERNS} are",
            fix="measure fewer columns, or take missing values for a category of their own",
        )
    sizes = np.zeros(len(records.weight), np.int64)
    for mine, theirs in np.ndindex(len(patterns), len(patterns)):
        known = np.flatnonzero(~patterns[mine] & ~patterns[theirs])
        here, there = np.flatnonzero(of_pattern == mine), np.flatnonzero(of_pattern == theirs)
        both = np.concatenate([here, there])
        keys, _ = combine_codes(
            [records.codes[j][both] for j in known] or [np.zeros(len(both), np.int64)],
            [records.sizes[j] for j in known] or [1],
        )
        _, number = np.unique(keys, return_inverse=True)
        held = np.bincount(number[len(here) :], weights=records.weight[there], minlength=int(number.max()) + 1)
        sizes[here] += held[number[: len(here)]].astype(np.int64)
    return sizes, len(patterns)
