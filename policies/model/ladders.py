"""Kinds of hierarchy that are made by rule: the calendar, free intervals, an order, redaction, frequency, ages.

Each names its levels finest first; level 0, the value itself, and the last, `*`, are not written. What does not nest is
refused here, so that a policy that loads can be built.
"""

from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from policies.model.strictness import Exact, PolicyModel, Text

MAX_LEAVES = 1_000_000
"""The most values that a hierarchy lists, and the most intervals of a ladder."""
MAX_DOMAIN = 10**9
"""The largest domain of redacted texts: sums of shares over 10⁹ rows then stay whole numbers of 64 bits."""

CalendarStep = Literal[
    "week", "iso_year", "month", "quarter", "half", "fiscal_half", "fiscal_year", "year", "decade", "era_year", "era"
]
_OF_MONTHS = frozenset({"quarter", "half", "fiscal_half", "fiscal_year", "year", "decade"})
NESTS_IN = MappingProxyType(
    {
        "week": frozenset({"iso_year"}),
        "iso_year": frozenset[str](),
        "month": _OF_MONTHS,
        "quarter": _OF_MONTHS - {"quarter"},
        "half": frozenset({"year", "decade"}),
        "fiscal_half": frozenset({"fiscal_year"}),
        "fiscal_year": frozenset[str](),
        "year": frozenset({"decade"}),
        "decade": frozenset[str](),
        "era_year": frozenset({"era"}),
        "era": frozenset[str](),
    }
)
"""Which step of the calendar may follow which. A week lies in two months and years; 平成 began on an 8 January."""
FIRST_SOLAR_YEAR = 1873
"""Before it Japan counted by a lunisolar calendar (太政官布告 明治5年337号), so an era year is no span of our days."""


class CalendarLevels(PolicyModel):
    """Days between `first_year` and `last_year` → the `steps`, for example [month, fiscal_year], then `*`.

    `week` is the ISO week, `fiscal_year` the 年度 from April, `era_year` and `era` the 和暦.
    """

    kind: Literal["calendar"]
    first_year: Annotated[int, Field(ge=1, le=9999)]
    last_year: Annotated[int, Field(ge=1, le=9999)]
    steps: Annotated[tuple[CalendarStep, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _nests(self) -> Self:
        if self.first_year > self.last_year:
            msg = "`first_year` is after `last_year`"
            raise ValueError(msg)
        for finer, coarser in pairwise(self.steps):
            if coarser not in NESTS_IN[finer]:
                msg = (
                    f"a {finer} does not always lie in one {coarser}; after {finer} may come {_listed(NESTS_IN[finer])}"
                )
                raise ValueError(msg)
        if self.first_year < FIRST_SOLAR_YEAR and {"era", "era_year"} & set(self.steps):
            msg = f"era years are known from {FIRST_SOLAR_YEAR} on, when Japan took the solar calendar"
            raise ValueError(msg)
        return self


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing more"


class RangeLevels(PolicyModel):
    """Numbers → intervals between free `cuts` → `repeats` of them joined, level by level → `*`.

    Cuts [0, 15, 40, 65] make 0-14, 15-39 and 40-64; repeats [2] joins two neighbours at the next level. `width` makes
    equal intervals from the first cut to the last. Numbers `below` the first cut or `above` the last are unseen
    (`refuse`) or one open class (`code`) at every level. With `snap` an incomplete last group joins the one before it.
    """

    kind: Literal["ranges"]
    numbers: Literal["whole", "decimal"] = "whole"
    cuts: Annotated[tuple[Exact, ...], Field(min_length=2)]
    width: Exact | None = None
    repeats: tuple[Annotated[int, Field(ge=2)], ...] = ()
    below: Literal["refuse", "code"] = "refuse"
    above: Literal["refuse", "code"] = "refuse"
    snap: bool = False

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if any(not cut.is_finite() for cut in self.cuts) or any(low >= high for low, high in pairwise(self.cuts)):
            msg = "`cuts` must rise from one to the next"
            raise ValueError(msg)
        if self.numbers == "whole" and any(cut != cut.to_integral_value() for cut in self.cuts):
            msg = "`cuts` of whole numbers are whole numbers"
            raise ValueError(msg)
        span = self.cuts[-1] - self.cuts[0]
        if self.width is not None:
            is_whole = self.numbers == "decimal" or self.width == self.width.to_integral_value()
            if len(self.cuts) != 2 or self.width <= 0 or span % self.width or not is_whole:
                msg = "with `width`, `cuts` are the two ends, and whole intervals of the width lie between them"
                raise ValueError(msg)
        if (self.numbers == "whole" and span > MAX_LEAVES) or (
            self.width is not None and span / self.width > MAX_LEAVES
        ):
            msg = f"at most {MAX_LEAVES:,} numbers or intervals; take larger numbers as `decimal`, or wider intervals"
            raise ValueError(msg)
        return self


class OrderLevels(PolicyModel):
    """A list of `values` in order → neighbours joined, `fan_outs` at a time, level by level → `*`.

    Values [I, II, III, IV] with fan-outs [2] make I–II and III–IV. `snap` as in `ranges`.
    """

    kind: Literal["order"]
    values: Annotated[tuple[str, ...], Field(min_length=2)]
    fan_outs: Annotated[tuple[Annotated[int, Field(ge=2)], ...], Field(min_length=1)]
    snap: bool = False

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if len(set(self.values)) != len(self.values) or "*" in self.values:
            msg = "`values` names each value once, and never '*'"
            raise ValueError(msg)
        return self


class RedactionLevels(PolicyModel):
    """Texts → the same with 1, 2, … characters `hidden` from one side → `*`.

    Texts are filled up to `length` with `pad`, and stand `align`ed in it; longer ones are unseen. Characters are hidden
    `from_side` inwards. `alphabet`, the number of characters that may stand in a place, gives the loss metric the whole
    domain (alphabet to the power of length) instead of the values that the data hold, as ARX's domain metadata do.
    """

    kind: Literal["redaction"]
    length: Annotated[int, Field(ge=2, le=64)]
    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    align: Literal["left", "right"] = "left"
    from_side: Literal["left", "right"] = "right"
    character: Annotated[str, Field(min_length=1, max_length=1)] = "*"
    pad: Annotated[str, Field(min_length=1, max_length=1)] = " "
    alphabet: Annotated[int | None, Field(ge=2)] = None

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if any(few >= more for few, more in pairwise(self.hidden)) or self.hidden[-1] >= self.length:
            msg = "`hidden` rises from level to level and stays below `length`; the last level hides all"
            raise ValueError(msg)
        if self.alphabet is not None and self.alphabet**self.length > MAX_DOMAIN:
            msg = f"`alphabet` to the power of `length` is more than {MAX_DOMAIN:,}; leave `alphabet` out"
            raise ValueError(msg)
        return self


class FrequencyLevels(PolicyModel):
    """Values → the most frequent ones stay, the others become `other` → `*`; `keep` says how many stay at each level.

    `counts` come from a public statistic, named in `source`. Counted in the data, the ladder would tell which values
    are frequent there: then `accepted` must say why that may be known. Values that are equally frequent stay or go
    together, so fewer than `keep` may stay.
    """

    kind: Literal["frequency"]
    counts: Annotated[dict[str, Annotated[int, Field(ge=0)]], Field(min_length=2)]
    keep: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]
    other: Annotated[str, Field(min_length=1)] = "その他 Other"
    counted_in: Literal["public_statistics", "data"]
    accepted: Text | None = None

    @model_validator(mode="after")
    def _is_public(self) -> Self:
        if any(fewer >= more for more, fewer in pairwise(self.keep)):
            msg = "`keep` falls from level to level"
            raise ValueError(msg)
        if {"*", self.other} & set(self.counts) or self.other == "*":
            msg = "`other` is none of the values, and no value is '*'"
            raise ValueError(msg)
        if (self.counted_in == "data") != (self.accepted is not None):
            msg = "`accepted` says why frequencies of the data may be known: with `counted_in: data`, and only then"
            raise ValueError(msg)
        return self


AgeStep = Literal["single_year", "five_year", "ten_year", "twenty_year", "life_stage"]
AGE_WIDTHS = MappingProxyType({"single_year": 1, "five_year": 5, "ten_year": 10, "twenty_year": 20})
LIFE_STAGES: tuple[int, ...] = (0, 15, 65, 75)
"""年少 0-14, 生産年齢 15-64, 前期高齢 65-74, 後期高齢 75+. Source: 国勢調査 年齢3区分; 高齢者の医療の確保に関する法律 32条, 50条."""


class AgeLevels(PolicyModel):
    """Ages 0 … `oldest` → the `steps` → `*`; from `top_from` on one open class, which stays one at all levels.

    `life_stage` is 0-14, 15-64, 65-74, 75+. HIPAA: steps [single_year, …] with `top_from: 90` (45 CFR
    164.514(b)(2)(i)(C)); NDB tables: [five_year] with 100 or below.
    """

    kind: Literal["ages"]
    steps: Annotated[tuple[AgeStep, ...], Field(min_length=1)]
    top_from: Annotated[int | None, Field(ge=1)] = None
    oldest: Annotated[int, Field(ge=1, le=200)] = 120

    @model_validator(mode="after")
    def _nests(self) -> Self:
        for finer, coarser in pairwise(self.steps):
            narrow, wide = AGE_WIDTHS.get(finer, 0), AGE_WIDTHS.get(coarser, 0)
            fits = narrow in {1, 5} if coarser == "life_stage" else bool(narrow) and wide > narrow
            if not fits:
                msg = f"a class of {finer} does not always lie in one of {coarser}"
                raise ValueError(msg)
        if self.top_from is not None and self.top_from > self.oldest:
            msg = "`top_from` is above `oldest`"
            raise ValueError(msg)
        if "life_stage" in self.steps and self.top_from is not None and self.top_from < LIFE_STAGES[-1]:
            msg = f"life stages end at {LIFE_STAGES[-1]}+, so `top_from` cannot be below {LIFE_STAGES[-1]}"
            raise ValueError(msg)
        return self

    def width_at(self, level: int) -> int:
        """Return the width in years of the narrowest closed class at a level; level 0 is a single year."""
        if level == 0:
            return 1
        step = self.steps[min(level, len(self.steps)) - 1]
        return AGE_WIDTHS.get(step, LIFE_STAGES[3] - LIFE_STAGES[2])
