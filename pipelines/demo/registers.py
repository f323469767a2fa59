"""Who objected, who consented, and who gave a sample: the registers of the hospital and of its cohort."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.demo.diseases import CHRONIC
from pipelines.demo.people import People, era_dates
from pipelines.demo.text_columns import FIRST_DAY, Ints, choose, concat, digits, iso_dates, pick, plain

OPTED_OUT_SHARE = 0.015
PHENOTYPES: tuple[str, ...] = ("対照", "高血圧症", "慢性腎臓病", "心房細動", "2型糖尿病")
"""From last to first: a sample's phenotype is the last of these that its patient has."""

_PHENOTYPE_CODES = ("", "I10", "N18.9", "I48", "E11.9")

# Decisions in order of time, and the share of the cohort that has them; the shares of refusal are kept exactly.
CONSENT_STORIES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.040, ("不同意",)),
    (0.015, ("同意", "同意撤回")),
    (0.005, ("同意", "同意", "同意撤回")),
    (0.010, ("不同意", "同意")),
    (0.005, ("同意", "同意撤回", "同意")),
    (0.025, ("同意", "同意")),
    (0.900, ("同意",)),
)
_STORIES_OF_REFUSAL = (1, 2, 3)
_ALWAYS = len(CONSENT_STORIES) - 1


def _day(text: str) -> int:
    return int((np.datetime64(text) - FIRST_DAY).astype(int))


@dataclass(frozen=True, slots=True)
class Optouts:
    """The opt-out register's rows for a block, and how many people objected for good or took it back."""

    table: pa.Table
    opted_out: int
    taken_back: int


def make_optouts(rng: np.random.Generator, people: People, *, spared: NDArray[np.bool_]) -> Optouts:
    """Draw who objects to secondary use (停止); a quarter take it back (撤回), a few of them object again."""
    objects = (rng.random(len(people)) < OPTED_OUT_SHARE) & ~spared
    who = np.flatnonzero(objects)
    times = np.searchsorted([0.75, 0.96], rng.random(len(who))).astype(np.int64) + 1
    person = np.repeat(who, times)
    step = np.arange(len(person)) - np.repeat(np.cumsum(times) - times, times)
    first = rng.integers(_day("2024-04-01"), _day("2026-01-01"), len(who))
    decided = np.repeat(first, times) + step * rng.integers(20, 70, len(person)) * (1 + step)
    style = rng.random(len(person))
    short, long = era_dates(decided)
    table = pa.table(
        {
            "patient_no": people.table["patient_no"].combine_chunks().take(pa.array(person)),
            "decision": pick(["停止", "撤回"], step % 2),
            "decided_on": choose(style < 0.72, iso_dates(decided), choose(style < 0.9, short, long)),
        }
    )
    taken_back = int((times == 2).sum())
    return Optouts(table, len(who) - taken_back, taken_back)


@dataclass(frozen=True, slots=True)
class CohortPlan:
    """Which sample number and which consent story the n-th member of the cohort gets; both are shuffled."""

    sample_number: Ints
    story: Ints

    def refusals(self) -> tuple[int, int]:
        """Return how many never agreed, and how many agreed and withdrew."""
        declined = int((self.story == 0).sum())
        return declined, int(np.isin(self.story, _STORIES_OF_REFUSAL[:2]).sum())


def plan_cohort(rng: np.random.Generator, samples: int) -> CohortPlan:
    """Shuffle sample numbers and consent stories; their shares are exact to one person."""
    shares = np.cumsum([share for share, _ in CONSENT_STORIES])
    ordered = np.searchsorted(shares, (np.arange(samples) + 0.5) / max(samples, 1), side="right")
    story = rng.permutation(np.minimum(ordered, _ALWAYS)).astype(np.int64)
    return CohortPlan(rng.permutation(samples).astype(np.int64) + 1, story)


def choose_members(rng: np.random.Generator, people: People, count: int) -> Ints:
    """Choose the people of a block who gave a sample: adults first, others only if there are too few."""
    order = rng.permutation(len(people))
    adult = people.birth_days[order] < _day("2000-01-01")
    return np.sort(order[np.argsort(~adult, kind="stable")][:count]).astype(np.int64)


def make_samples(
    rng: np.random.Generator, people: People, chronic: NDArray[np.bool_], *, members: Ints, numbers: Ints
) -> pa.Table:
    """Write the sample sheet's rows: sample, patient, day of collection, sex, age band, phenotype."""
    collected = rng.integers(_day("2021-06-01"), _day("2025-06-30"), len(members))
    decade = np.clip((collected - people.birth_days[members]) / 3652.425, 0, 11).astype(np.int64) * 10
    phenotype = np.zeros(len(members), dtype=np.int64)
    codes = [row[0] for row in CHRONIC]
    for number, code in enumerate(_PHENOTYPE_CODES):
        if code:
            phenotype[chronic[members, codes.index(code)]] = number
    return pa.table(
        {
            "sample_id": concat("NC", digits(numbers, 6)),
            "patient_no": people.table["patient_no"].combine_chunks().take(pa.array(members)),
            "collected_on": iso_dates(collected),
            "sex": plain(people.sex[members]),
            "age_band": concat(plain(decade), plain(decade + 9), between="-"),
            "phenotype": pick(PHENOTYPES, phenotype),
        }
    )


def make_consents(rng: np.random.Generator, people: People, *, members: Ints, story: Ints) -> pa.Table:
    """Write the consent register's rows: one to three decisions a member, in order of time."""
    stories = [decisions for _, decisions in CONSENT_STORIES]
    times = np.array([len(decisions) for decisions in stories], dtype=np.int64)[story]
    member = np.repeat(np.arange(len(members)), times)
    step = np.arange(len(member)) - np.repeat(np.cumsum(times) - times, times)
    first = rng.integers(_day("2020-04-01"), _day("2023-03-31"), len(members))
    decided = first[member] + step * rng.integers(120, 380, len(member)) + step * step
    code = np.array(
        [[("同意", "不同意", "同意撤回").index(word) for word in (*row, "同意", "同意")[:3]] for row in stories]
    )
    version = np.where(decided < _day("2020-10-01"), 0, np.where(decided < _day("2022-04-01"), 1, 2))
    word = code[story[member], step].astype(np.int64)
    # The two further questions came with later texts, and a refusal answers both with no.
    commercial = (rng.random(len(members)) < 0.86)[member] & (version > 0) & (word == 0)
    foreign = (rng.random(len(members)) < 0.71)[member] & (version > 1) & (word == 0)
    return pa.table(
        {
            "patient_no": people.table["patient_no"].combine_chunks().take(pa.array(members[member])),
            "decision": pick(["同意", "不同意", "同意撤回"], word),
            "text_version": pick(["IC-2.0", "IC-3.0", "IC-3.1"], version.astype(np.int64)),
            "commercial": pick(["0", "1"], commercial.astype(np.int64)),
            "foreign": pick(["0", "1"], foreign.astype(np.int64)),
            "decided_on": iso_dates(decided),
        }
    )


def always_consents() -> int:
    """Return the number of the story with a single consent."""
    return _ALWAYS
