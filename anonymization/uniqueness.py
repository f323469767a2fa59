"""How many people are unique in the population, estimated from the class sizes of a sample.

Here: the three estimators and the rule that chooses among them, each with where it is valid. They take the sample for a
simple random one of a population of known size; nothing is known of one that was chosen otherwise. Not here: counting
classes (`spectrum`), the model of a release (`criteria.population_uniqueness`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anonymization.loss import FloatArray
from anonymization.quasi import IntArray
from policies.errors import PolicyError
from policies.model.risk_models import Estimator

SMALL_FRACTION = 0.1
"""Up to this sampling fraction Pitman's estimator is best, above it Zayatz's or the SNB, whichever is smaller.

Source: Dankar et al., BMC Medical Informatics and Decision Making 12:66, 2012, as ARX 3.9 applies it."""
_STEPS = 60
_GRID = np.linspace(0.002, 0.998, 25)

MOST_PEOPLE = 100_000_000_000
"""More people than there are."""


@dataclass(frozen=True, slots=True)
class ClassSizes:
    """`classes[i]` classes of `sizes[i]` people each; sizes rise and are positive."""

    sizes: IntArray
    classes: IntArray

    @property
    def people(self) -> int:
        """The people of the sample, one a class they are in."""
        return int((self.sizes * self.classes).sum())

    @property
    def count(self) -> int:
        """The number of classes."""
        return int(self.classes.sum())

    def of_size(self, size: int) -> int:
        """Return how many classes have that size."""
        return int(self.classes[self.sizes == size].sum())


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """An estimate of the people who are unique in the population, or None where the estimator has no answer.

    `estimator` is the one that was used.
    """

    uniques: float | None
    estimator: Estimator


def sizes_of(people: IntArray) -> ClassSizes:
    """Return the class sizes of classes of `people`; empty classes are none."""
    sizes, classes = np.unique(people[people > 0], return_counts=True)
    return ClassSizes(sizes.astype(np.int64), classes.astype(np.int64))


def estimate_uniques(sample: ClassSizes, *, population: int, estimator: Estimator = "dankar") -> Uniqueness:
    """Estimate the people who are unique in the population.

    Args:
        sample: The class sizes of the sample.
        population: The people of the population, the sample's among them.
        estimator: Which one; `dankar` is the decision rule.

    Returns:
        0 where nobody is unique in the sample; None where the equations of the estimator have no solution, or one that
        is no number of people.

    Raises:
        PolicyError: `policy.population-size`: the population is smaller than the sample, or larger than mankind.
    """
    if population < max(sample.people, 1):
        raise PolicyError(
            "policy.population-size",
            what=f"the population is said to have {population} people, fewer than the sample",
            why="the sample is a part of the population",
            fix="give the number of people of the population that the sample was taken from",
        )
    if population > MOST_PEOPLE:
        raise PolicyError(
            "policy.population-size",
            what=f"the population is said to have more than {MOST_PEOPLE} people",
            why="no population is so large, and the estimates would not be numbers",
            fix="give the number of people of the population that the sample was taken from",
        )
    if estimator == "dankar":
        return _by_rule(sample, population)
    return Uniqueness(_estimate(sample, population, estimator), estimator)


def _by_rule(sample: ClassSizes, population: int) -> Uniqueness:
    zayatz = _estimate(sample, population, "zayatz")
    if sample.people / population <= SMALL_FRACTION:
        pitman = _estimate(sample, population, "pitman")
        return Uniqueness(zayatz, "zayatz") if pitman is None else Uniqueness(pitman, "pitman")
    snb = _estimate(sample, population, "snb")
    if snb is None or (zayatz is not None and zayatz < snb):
        return Uniqueness(zayatz, "zayatz")
    return Uniqueness(snb, "snb")


def _estimate(sample: ClassSizes, population: int, estimator: Estimator) -> float | None:
    alone = sample.of_size(1)
    if alone == 0:
        return 0.0
    if population == sample.people:
        return float(alone)  # the sample is the population: nothing is left to estimate
    methods: dict[str, Callable[[ClassSizes, int], float | None]] = {"pitman": _pitman, "zayatz": _zayatz, "snb": _snb}
    found = methods[estimator](sample, population)
    return found if found is not None and math.isfinite(found) and 0 <= found <= population else None


def _zayatz(sample: ClassSizes, population: int) -> float | None:
    """Estimate by Bayes: the chance that one who is unique in the sample came from a class of one.

    Source: Zayatz, Estimation of the percent of unique population elements on a microdata file using the sample, U.S.
    Bureau of the Census, 1991.
    """
    people = sample.people
    once = np.exp(
        np.log(sample.sizes)
        + _log_choose(population - sample.sizes, people - 1)
        - _log_choose(np.array([population]), people)[0]
    )
    weight = (sample.classes * once).sum()
    if weight <= 0:
        return None
    chance = sample.of_size(1) * float(once[0]) / float(weight)
    return sample.of_size(1) * chance * population / people


def _log_choose(total: IntArray, chosen: int) -> FloatArray:
    """Return the logarithm of the number of ways to choose; minus infinity where there is none."""
    ways = np.full(len(total), -np.inf)
    possible = total >= chosen
    lgamma = np.frompyfunc(math.lgamma, 1, 1)
    left = total[possible]
    ways[possible] = (lgamma(left + 1.0) - lgamma(left - chosen + 1.0) - math.lgamma(chosen + 1.0)).astype(float)
    return ways


def _pitman(sample: ClassSizes, population: int) -> float | None:
    """Fit Pitman's sampling formula to the class sizes by maximum likelihood: uniques are Γ(θ+1)/Γ(θ+α) · N^α.

    The likelihood is climbed in θ for each α of a grid, then in α between the best neighbors.

    Source: Hoshino, Applying Pitman's sampling formula to microdata disclosure risk assessment, Journal of Official
    Statistics 17(4):499-520, 2001.
    """
    if sample.count in {sample.people, 1}:
        return None  # all alone, or nobody: the likelihood has no maximum inside
    likelihood = _PitmanLikelihood(sample)
    values = [likelihood.best(float(alpha))[0] for alpha in _GRID]
    top = int(np.argmax(values))
    low, high = float(_GRID[max(top - 1, 0)]), float(_GRID[min(top + 1, len(_GRID) - 1)])
    alpha = _maximum(lambda tried: likelihood.best(tried)[0], low, high)
    theta = likelihood.best(alpha)[1]
    return math.exp(math.lgamma(theta + 1.0) - math.lgamma(theta + alpha) + alpha * math.log(population))


class _PitmanLikelihood:
    """The logarithm of the likelihood of a sample's class sizes, without what does not depend on θ and α."""

    def __init__(self, sample: ClassSizes) -> None:
        self._sample = sample
        self._lgamma = np.frompyfunc(math.lgamma, 1, 1)

    def best(self, alpha: float) -> tuple[float, float]:
        """Return the greatest likelihood at this α, and the θ that reaches it."""
        top = math.log(1e3 * self._sample.people + 1e3)
        found = _maximum(lambda log_theta: self._of_theta(math.exp(log_theta), alpha), math.log(1e-6), top)
        theta = math.exp(found)
        inside = (self._lgamma(self._sample.sizes - alpha) - math.lgamma(1.0 - alpha)).astype(float)
        return self._of_theta(theta, alpha) + float((self._sample.classes * inside).sum()), theta

    def _of_theta(self, theta: float, alpha: float) -> float:
        """Return Σ ln(θ+iα), i below the number of classes, less Σ ln(θ+i), i below the number of people."""
        classes, people = self._sample.count, self._sample.people
        ratio = theta / alpha
        rising = (classes - 1) * math.log(alpha) + math.lgamma(ratio + classes) - math.lgamma(ratio + 1.0)
        return rising - math.lgamma(theta + people) + math.lgamma(theta + 1.0)


def _maximum(value: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function with one peak is greatest, by golden sections."""
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = value(left), value(right)
    for _ in range(_STEPS):
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = value(right)
    return (low + high) / 2.0


def _snb(sample: ClassSizes, population: int) -> float | None:
    """Fit the slide negative binomial to the numbers of classes of one and of two: uniques are K · β^α.

    A class of the population has one person and a negative binomial number more. Of the people each is in the sample
    with the chance f, so that with g = (β / D)^α and D = 1 - (1-f)(1-β) a class has one person in it with the chance
    f · g · (1 + α (1-D)/D), and two with f² · α (1-β) / 2 · g / D² · (2 + (α-1)(1-D)). K is Shlosser's estimate of the
    number of classes.

    Source: Chen & Keller-McNulty, Estimation of identification disclosure risk in microdata, Journal of Official
    Statistics 14(1):79-95, 1998; Haas & Stokes, Estimating the number of classes in a finite population, JASA 93, 1998.
    """
    from scipy.optimize import least_squares

    fraction = sample.people / population
    classes = _shlosser(sample, fraction)
    alone, pairs = sample.of_size(1), sample.of_size(2)
    if pairs == 0 or not math.isfinite(classes) or classes <= 0:
        return None

    def off(point: FloatArray) -> FloatArray:
        alpha, beta = math.exp(point[0]), 1.0 / (1.0 + math.exp(-point[1]))
        found = _snb_expected(alpha, beta, fraction)
        return np.array([classes * found[0] / alone - 1.0, classes * found[1] / pairs - 1.0])

    for start in ((0.0, 0.0), (-2.0, -2.0), (2.0, 2.0), (-3.0, -5.0), (0.0, -5.0)):
        fit = least_squares(off, np.array(start), bounds=([-25.0, -25.0], [25.0, 25.0]), xtol=1e-14, ftol=1e-14)
        if float(np.abs(fit.fun).max()) < 1e-6:
            alpha, beta = math.exp(fit.x[0]), 1.0 / (1.0 + math.exp(-fit.x[1]))
            return float(classes * beta**alpha)
    return None


def _snb_expected(alpha: float, beta: float, fraction: float) -> tuple[float, float]:
    """Return the chance that a class of the population has one person in the sample, and two."""
    rest = (1.0 - fraction) * (1.0 - beta)
    left = 1.0 - rest
    common = math.exp(alpha * math.log(beta / left))
    one = fraction * common * (1.0 + alpha * rest / left)
    two = fraction**2 * alpha * (1.0 - beta) / 2.0 * common / left**2 * (2.0 + (alpha - 1.0) * rest)
    return one, two


def _shlosser(sample: ClassSizes, fraction: float) -> float:
    """Estimate the number of classes of the population (the third estimator of Haas & Stokes, after Shlosser)."""
    size, classes = sample.sizes.astype(float), sample.classes.astype(float)
    missed = (1.0 - fraction) ** size
    first = (size * fraction**2 * (1.0 - fraction**2) ** (size - 1.0) * classes).sum()
    # (1-f)^i ((1+f)^i - 1), written so that nothing overflows.
    second = (((1.0 - fraction**2) ** size - missed) * classes).sum()
    third = (missed * classes).sum()
    fourth = (size * fraction * (1.0 - fraction) ** (size - 1.0) * classes).sum()
    if second <= 0 or fourth <= 0:
        return math.nan
    return float(sample.count + sample.of_size(1) * (first / second) * (third / fourth) ** 2)
