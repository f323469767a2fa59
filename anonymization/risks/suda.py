"""SUDA: records that a few of their values already single out, and how much that says of them.

A minimal sample unique of a record is a set of attributes by which its person is alone, and by no part of which that is so.
The fewer attributes it takes, and the more such sets there are, the more special the record.

Source: Elliot, Manning & Ford, A computational algorithm for handling the special uniques problem, Int. J. Uncertainty,
Fuzziness and Knowledge-Based Systems 10(5):493-509, 2002; Manning, Haglin & Keane, A recursive search algorithm for
statistical disclosure assessment (SUDA2), Data Mining and Knowledge Discovery 16:165-196, 2008; DIS-SUDA as sdcMicro 5.8.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from anonymization.criteria.criterion import BoolArray
from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from anonymization.risks.records import Records
from policies.errors import PolicyError

MOST_SIZE = 3
"""Without a wish, sets of up to so many attributes are looked for: larger ones count least and cost most."""
DIS_FRACTION = 0.01
"""The sampling fraction of the default DIS score. Source: sdcMicro 5.8, `suda2`."""
MOST_SETS = 20_000
"""More sets of attributes than this are not gone through."""
DIS_STEPS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Suda:
    """What SUDA finds.

    `uniques_by_size[m]` counts the minimal sample uniques of m attributes, `special` the records that have any.
    `contributions` gives for each attribute the share of all scores that comes from sets it is in. `scores` and `dis` are
    one an entry of the records, in their order; `dis` the estimated chance that a match with the record is right.
    """

    most_size: int
    fraction: float
    records: int
    special: int
    uniques_by_size: Mapping[int, int]
    contributions: Mapping[str, float]
    scores: IntArray = field(repr=False)
    dis: FloatArray = field(repr=False)

    def as_json(self) -> dict[str, object]:
        """Return counts and shares as plain JSON values, nothing of a single record."""
        above = {f"{low:g}-{high:g}": int(((self.dis > low) & (self.dis <= high)).sum()) for low, high in _steps()}
        return {
            "max_size": self.most_size,
            "records": self.records,
            "special_records": self.special,
            "uniques_by_size": {str(size): count for size, count in self.uniques_by_size.items()},
            "score_max": int(self.scores.max(initial=0)),
            "contributions": dict(self.contributions),
            "dis_fraction": self.fraction,
            "dis_max": float(self.dis.max(initial=0.0)),
            "special_records_by_dis": above,
        }


def _steps() -> list[tuple[float, float]]:
    return list(itertools.pairwise(DIS_STEPS))


def suda(records: Records, *, most_size: int = MOST_SIZE, fraction: float = DIS_FRACTION) -> Suda:
    """Find all minimal sample uniques of up to `most_size` attributes, by going through the sets by size.

    The score of one of m attributes, of n in all, is (n-m) · (n-m-1) · … down to n - `most_size`, or to 1; a record's
    score is their sum.

    Args:
        records: The table.
        most_size: The largest set looked for.
        fraction: The share of the population that the table is, for the DIS score.

    Raises:
        PolicyError: `policy.suda`: a size below 1, a fraction not between 0 and 1, or more sets than can be gone through.
    """
    count = len(records.columns)
    size = min(most_size, count)
    _require(count, size, most_size, fraction)
    scores = np.zeros(len(records.weight), np.int64)
    shares = np.zeros(count)
    found = dict.fromkeys(range(1, size + 1), 0)
    before: dict[tuple[int, ...], BoolArray] = {}
    for number in range(1, size + 1):
        now = {}
        points = math.prod(count - i for i in range(number, min(size, count - 1) + 1))
        for attributes in itertools.combinations(range(count), number):
            alone = records.alone(attributes)
            now[attributes] = alone
            minimal = alone.copy()
            for left_out in range(number if number > 1 else 0):
                minimal &= ~before[attributes[:left_out] + attributes[left_out + 1 :]]
            times = int(minimal.sum())
            found[number] += times
            scores[minimal] += points
            shares[list(attributes)] += points * times
        before = now
    total = max(int(scores.sum()), 1)
    contributions = {name: float(share) / total for name, share in zip(records.columns, shares, strict=True)}
    special = int((scores > 0).sum())
    dis = _dis(records, scores, fraction)
    return Suda(size, fraction, records.total, special, found, contributions, scores, dis)


def _require(count: int, size: int, asked: int, fraction: float) -> None:
    sets = sum(math.comb(count, number) for number in range(1, size + 1))
    if asked < 1 or not 0.0 < fraction < 1.0 or sets > MOST_SETS:
        raise PolicyError(
            "policy.suda",
            what=f"SUDA was asked for sets of up to {asked} of {count} attributes, with a sampling fraction of {fraction:g}",
            why=f"the size is 1 or more, the fraction between 0 and 1, and no more than {MOST_SETS} sets are gone through",
            fix="ask for smaller sets, or of fewer attributes",
        )


def _dis(records: Records, scores: IntArray, fraction: float) -> FloatArray:
    """Spread the chance that a unique match is right over the special records, by a power of their scores."""
    everything = tuple(range(len(records.columns)))
    uniques = int(records.alone(everything).sum())
    chances = np.zeros(len(scores))
    special = scores > 0
    if not uniques or not special.any():
        return chances
    pairs = _in_pairs(records, everything)
    right = uniques * fraction / (uniques * fraction + pairs * (1.0 - fraction))
    power = scores[special].astype(float) ** (1.0 + (8.0 - len(everything)) / 20.0)
    spread = power * (1.0 / power).sum()
    chances[special] = 1.0 / (1.0 + (uniques / right - uniques) / spread)
    return chances


def _in_pairs(records: Records, attributes: tuple[int, ...]) -> int:
    """Return how many records are in classes of two."""
    number, count = records.numbered(attributes)
    held = np.bincount(number, weights=records.weight, minlength=count)
    return 2 * int((held == 2).sum())
