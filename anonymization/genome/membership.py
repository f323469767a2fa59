"""What released allele frequencies tell about who was in the pool: bounds before release, and the attacks to test them.

The attacker knows a person's genotype and the frequencies of a reference population, and decides whether that person
was in the pool. Bounds are for independent sites; linkage only lowers the true power.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from policies.errors import PolicyError

_NORMAL = NormalDist()
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MembershipBound:
    """The best power any test may have on `sites` sites of `people` people, and how many sites the limit allows."""

    sites: int
    people: int
    false_positive_rate: float
    power: float
    max_power: float
    max_sites: int

    @property
    def holds(self) -> bool:
        """Whether the power stays within its limit."""
        return self.sites <= self.max_sites

    def as_json(self) -> dict[str, object]:
        """Return the bound as plain JSON values."""
        return {
            "sites": self.sites,
            "people": self.people,
            "false_positive_rate": self.false_positive_rate,
            "power_bound": self.power,
            "max_power": self.max_power,
            "max_sites": self.max_sites,
            "holds": self.holds,
        }


def power_bound(sites: int, *, people: int, false_positive_rate: float) -> float:
    """Bound the power of the likelihood-ratio test at a false-positive rate: Φ(√(m/N) - z).

    Args:
        sites: Released variants m, each ALT counted; not pruned for linkage, which is conservative.
        people: People N in the pool.
        false_positive_rate: The attacker's false-positive rate, between 0 and 1.

    Returns:
        Power between 0 and 1; the false-positive rate itself if no site is released.

    Raises:
        PolicyError: No people, a negative number of sites, or a rate that is not between 0 and 1.

    Guarantee: no test has more power, asymptotically, if sites are independent and the reference is exact.
    Not guaranteed: anything about sites released elsewhere on the same people, or about relatives.

    Source: Sankararaman et al., Genomic privacy and limits of individual detection in a pool, Nat Genet 41:965, 2009.
    """
    _check(sites, people, false_positive_rate)
    return _NORMAL.cdf(math.sqrt(sites / people) - _z(false_positive_rate))


def max_sites(people: int, *, false_positive_rate: float, max_power: float) -> int:
    """Return the most sites whose power bound is at most `max_power`: N · (z_a + z_power)², rounded down.

    Zero if even one site would be too many, that is if `max_power` is below the false-positive rate.

    Raises:
        PolicyError: No people, or a rate that is not between 0 and 1.

    Source: as `power_bound`.
    """
    _check(0, people, false_positive_rate)
    _check(0, people, max_power)
    reach = _z(false_positive_rate) + _NORMAL.inv_cdf(max_power)
    return math.floor(people * reach**2) if reach > 0 else 0


def effective_sites(called_alleles: npt.NDArray[np.int64], *, people: int) -> int:
    """Count sites for the bound when not everybody was called at each: a site of n of N people weighs N / n.

    Args:
        called_alleles: AN of each published variant.
        people: People N in the pool.

    Returns:
        Σ max(1, 2N / AN), rounded up; the number of variants when all people were called on both chromosomes.

    Source: the bound's m/N is the sum over sites of the variance of the released frequency, p(1-p)/AN, against that of
    one genotype; Sankararaman et al. 2009 state it for equal AN = 2N.
    """
    weights = 2 * people / np.maximum(called_alleles, 1)
    return math.ceil(round(float(np.maximum(weights, 1).sum()), 6))


def membership_bound(sites: int, *, people: int, false_positive_rate: float, max_power: float) -> MembershipBound:
    """Put the bound of a proposed release beside its limit."""
    return MembershipBound(
        sites=sites,
        people=people,
        false_positive_rate=false_positive_rate,
        power=power_bound(sites, people=people, false_positive_rate=false_positive_rate),
        max_power=max_power,
        max_sites=max_sites(people, false_positive_rate=false_positive_rate, max_power=max_power),
    )


def gaussian_cap(rho: float, *, false_positive_rate: float) -> float:
    """Cap the true-positive rate of any attack on Gaussian noise of ρ: Φ(Φ⁻¹(FPR) + √(2ρ)), under any linkage.

    Not guaranteed: for another mechanism with the same ρ.

    Source: Dong, Roth, Su, Gaussian Differential Privacy, JRSS B 84(1):3-37, 2022; Bun & Steinke 2016.
    """
    _check(0, 1, false_positive_rate)
    return _NORMAL.cdf(math.sqrt(2 * rho) - _z(false_positive_rate))


def likelihood_ratio(genotypes: npt.NDArray[Any], released: Vector, reference: Vector) -> Vector:
    """Score each target by the likelihood ratio of "in the pool" against "in the reference".

    Args:
        genotypes: T targets x m sites, ALT copies 0, 1 or 2.
        released: m released frequencies q.
        reference: m reference frequencies p; sites where p or q is 0 or 1 say nothing here and are left out.

    Returns:
        T scores Σ g ln(q/p) + (2-g) ln((1-q)/(1-p)); larger means more likely in the pool.

    Source: Sankararaman et al. 2009.
    """
    inside = (released > 0) & (released < 1) & (reference > 0) & (reference < 1)
    q, p, g = released[inside], reference[inside], np.asarray(genotypes, dtype=np.float64)[:, inside]
    scores: Vector = g @ np.log(q / p) + (2 - g) @ np.log((1 - q) / (1 - p))
    return scores


def homer_statistic(genotypes: npt.NDArray[Any], released: Vector, reference: Vector) -> Vector:
    """Score each target by Homer's T: mean(D)·√m / sd(D), with D = |g/2 - p| - |g/2 - q|; N(0,1) if not in the pool.

    Args and returns as `likelihood_ratio`; a target whose D does not vary scores 0.

    Source: Homer et al., PLoS Genet 4(8):e1000167, 2008.
    """
    half = np.asarray(genotypes, dtype=np.float64) / 2
    distances = np.abs(half - reference) - np.abs(half - released)
    spread = distances.std(axis=1, ddof=1)
    scores: Vector = distances.mean(axis=1) * math.sqrt(distances.shape[1]) / np.where(spread > 0, spread, np.inf)
    return scores


def power_at(
    inside: Sequence[float] | Vector, outside: Sequence[float] | Vector, *, false_positive_rate: float
) -> float:
    """Return the share of members above the (1 - rate) quantile of non-members: an attack's measured power."""
    threshold = float(np.quantile(np.asarray(outside), 1 - false_positive_rate))
    return float((np.asarray(inside) > threshold).mean())


def _z(rate: float) -> float:
    return _NORMAL.inv_cdf(1 - rate)


def _check(sites: int, people: int, rate: float) -> None:
    if sites < 0 or people < 1 or not 0 < rate < 1:
        raise PolicyError(
            "genome.membership-parameters",
            what="the membership bound needs at least one person and rates between 0 and 1",
            why="outside these the formula says nothing",
            fix="give the number of people in the pool, a false-positive rate and a power between 0 and 1",
        )
