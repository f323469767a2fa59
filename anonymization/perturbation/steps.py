"""What can be asked of columns of a table: one record a method, and how each is carried out on columns of numbers or codes.

Belongs here: the steps, their parameters for evidence, and the call of their method. Does not: tables and text, see `table`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from anonymization.evidence import Statement
from anonymization.perturbation import coding, microaggregation, noise, pram, rounding, swapping
from anonymization.perturbation.arrays import Floats, Ints
from anonymization.perturbation.randomness import Draws


@dataclass(frozen=True, slots=True)
class Microaggregate:
    """Aggregate columns together, in groups of at least k people; `codes` are columns of categories."""

    op: ClassVar[str] = "microaggregate"
    columns: tuple[str, ...]
    k: int
    codes: tuple[str, ...] = ()
    settings: microaggregation.Settings = field(default_factory=microaggregation.Settings)


@dataclass(frozen=True, slots=True)
class CodeExtremes:
    """Put public limits in the place of numbers beyond them."""

    op: ClassVar[str] = "code_extremes"
    column: str
    limits: coding.Limits


@dataclass(frozen=True, slots=True)
class RoundTo:
    """Round to multiples of `base`, to the nearest or by lot."""

    op: ClassVar[str] = "round"
    column: str
    base: float
    randomly: bool = False


@dataclass(frozen=True, slots=True)
class SwapRanks:
    """Exchange values of ranks at most `percent` apart."""

    op: ClassVar[str] = "swap_ranks"
    column: str
    percent: float


@dataclass(frozen=True, slots=True)
class PostRandomize:
    """Change categories by lot; with `alpha` by the invariant matrix."""

    op: ClassVar[str] = "pram"
    column: str
    retain: float
    alpha: float | None = 1.0


@dataclass(frozen=True, slots=True)
class AddNoise:
    """Add normal noise, between bounds if they are given."""

    op: ClassVar[str] = "add_noise"
    column: str
    sd: float
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class AddCorrelatedNoise:
    """Add noise with the columns' own covariance times `share`."""

    op: ClassVar[str] = "add_correlated_noise"
    columns: tuple[str, ...]
    share: float
    keep_covariance: bool = False


Step: TypeAlias = Microaggregate | CodeExtremes | RoundTo | SwapRanks | PostRandomize | AddNoise | AddCorrelatedNoise
People: TypeAlias = "npt.NDArray[Any] | None"


def numbers_of(step: Step) -> tuple[str, ...]:
    """Return the columns that the step takes as numbers."""
    if isinstance(step, Microaggregate | AddCorrelatedNoise):
        return step.columns
    return () if isinstance(step, PostRandomize) else (step.column,)


def codes_of(step: Step) -> tuple[str, ...]:
    """Return the columns that the step takes as categories."""
    if isinstance(step, Microaggregate):
        return step.codes
    return (step.column,) if isinstance(step, PostRandomize) else ()


def parameters_of(step: Step) -> dict[str, Any]:
    """Return what was asked, as JSON values; all of it may be published."""
    return {"op": step.op, **asdict(step)}


def promise_of(step: Step) -> tuple[Statement, Statement]:
    """Return what holds after a step, and what does not."""
    if isinstance(step, Microaggregate):
        return _said(microaggregation.GUARANTEE, k=step.k), microaggregation.NOT_GUARANTEED
    if isinstance(step, CodeExtremes):
        return coding.GUARANTEE, coding.NOT_GUARANTEED
    if isinstance(step, RoundTo):
        return _said(rounding.GUARANTEE, base=step.base), rounding.NOT_GUARANTEED
    if isinstance(step, SwapRanks):
        return _said(swapping.GUARANTEE, percent=step.percent), swapping.NOT_GUARANTEED
    if isinstance(step, PostRandomize):
        return pram.GUARANTEE, pram.NOT_GUARANTEED
    return noise.GUARANTEE, noise.NOT_GUARANTEED


def _said(words: Statement, **values: object) -> Statement:
    return Statement(ja=words.ja.format(**values), en=words.en.format(**values))


@dataclass(frozen=True, slots=True)
class Done:
    """The new columns of a step, and what only this step has to say (groups, the matrix)."""

    numbers: Mapping[str, Floats] = field(repr=False)
    codes: Mapping[str, Ints] = field(repr=False)
    measured: Mapping[str, Any]


def carry_out(
    step: Step, numbers: Mapping[str, Floats], codes: Mapping[str, Ints], *, people: People, draws: Draws
) -> Done:
    """Carry a step out on its columns.

    Args:
        step: What is asked.
        numbers: Columns of numbers by name, NaN missing; those of the step are taken.
        codes: Columns of codes by name, -1 missing.
        people: The person of each row; None: every row is a person.
        draws: Where chance is from.

    Raises:
        UsageError, DataError: As the step's method.
    """
    if isinstance(step, Microaggregate):
        found = microaggregation.microaggregate(
            {name: numbers[name] for name in step.columns},
            k=step.k,
            codes={name: codes[name] for name in step.codes},
            people=people,
            settings=step.settings,
        )
        return Done(found.numbers, found.codes, {"groups": found.group_count, "least_people": found.least_people})
    if isinstance(step, PostRandomize):
        return _post_randomized(step, codes[step.column], people, draws)
    if isinstance(step, AddCorrelatedNoise):
        table = np.stack([numbers[name] for name in step.columns], axis=1)
        noisy = noise.add_correlated_noise(table, share=step.share, draws=draws, keep_covariance=step.keep_covariance)
        return Done({name: noisy[:, place] for place, name in enumerate(step.columns)}, {}, {})
    return Done({step.column: _one_column(step, numbers[step.column], people, draws)}, {}, {})


def _one_column(
    step: CodeExtremes | RoundTo | SwapRanks | AddNoise, values: Floats, people: People, draws: Draws
) -> Floats:
    if isinstance(step, CodeExtremes):
        return coding.code_extremes(values, step.limits)
    if isinstance(step, SwapRanks):
        return swapping.rank_swap(values, percent=step.percent, draws=draws, people=people)
    if isinstance(step, RoundTo):
        if step.randomly:
            return rounding.round_randomly(values, base=step.base, draws=draws, people=people)
        return rounding.round_to_base(values, base=step.base)
    if step.bounds is None:
        return noise.add_noise(values, sd=step.sd, draws=draws, people=people)
    low, high = step.bounds
    return noise.add_bounded_noise(values, sd=step.sd, low=low, high=high, draws=draws, people=people)


def _post_randomized(step: PostRandomize, codes: Ints, people: People, draws: Draws) -> Done:
    counts = np.bincount(codes[codes >= 0])
    matrix = pram.base_matrix(counts.size, retain=step.retain)
    if step.alpha is not None:
        matrix = pram.invariant_matrix(counts.astype(np.float64), matrix, alpha=step.alpha)
    found = pram.post_randomize(codes, matrix, draws=draws, people=people)
    return Done({}, {step.column: found.codes}, {"matrix": matrix.tolist()})
