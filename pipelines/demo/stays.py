"""Admissions and their diagnoses: who comes when, why, for how long, and how it ends."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.demo.diseases import CHRONIC, codes_starting, cumulative_by_group, disease_index, diseases
from pipelines.demo.people import People
from pipelines.demo.text_columns import FIRST_DAY, Ints

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

PERIOD_FIRST = int((np.datetime64("2019-01-01") - FIRST_DAY).astype(int))
PERIOD_LAST = int((np.datetime64("2025-12-31") - FIRST_DAY).astype(int))

OUTCOMES: tuple[str, ...] = ("治癒", "軽快", "不変", "死亡", "転院")
_DEATH = 3
MAX_ADMISSIONS = 12
MAX_DIAGNOSES = 12


@dataclass(frozen=True, slots=True)
class Stays:
    """The A admissions of a block, in order of person and day, and their D diagnoses in order.

    `person` indexes the block's people; days count from `FIRST_DAY`; `main` and `dx` index `diseases()`; heights and
    weights are in tenths (0 for not measured). `dx_stay` indexes the admissions; `dx_seq` counts from 1, 1 is the main.
    """

    person: Ints
    admit: Ints
    discharge: Ints
    age_years: Ints
    main: Ints
    department: Ints
    is_emergency: Bools
    outcome: Ints
    height: Ints
    weight: Ints
    dx_stay: Ints
    dx: Ints
    dx_seq: Ints
    chronic: Bools

    def __len__(self) -> int:
        return len(self.person)

    def has(self, *prefixes: str) -> Bools:
        """Return, for each admission, whether one of its diagnoses starts with a prefix."""
        marked = np.zeros(len(self), dtype=bool)
        marked[self.dx_stay[codes_starting(*prefixes)[self.dx]]] = True
        return marked


def make_stays(rng: np.random.Generator, people: People) -> Stays:
    """Draw the admissions of a block of people, one to twelve each, and their diagnoses."""
    frailty = rng.lognormal(0.0, 0.45, len(people))
    chronic = _chronic(rng, people, frailty)
    person, admit = _arrivals(rng, people, frailty)
    age_days = admit - people.birth_days[person]
    age_years = (age_days / 365.2425).astype(np.int64)
    main = _main_diagnoses(rng, people.sex[person], age_days, person)
    discharge = _departures(rng, person, admit, main, age_years)
    dx_stay, dx, dx_seq = _all_diagnoses(rng, people, person, age_days, main, chronic)
    department = np.array([disease.department for disease in diseases()], dtype=np.int64)[main]
    height, weight = _bodies(rng, people, person, age_days)
    return Stays(
        person=person,
        admit=admit,
        discharge=discharge,
        age_years=age_years,
        main=main,
        department=department,
        is_emergency=_emergencies(rng, main),
        outcome=_outcomes(rng, person, main, age_years),
        height=height,
        weight=weight,
        dx_stay=dx_stay,
        dx=dx,
        dx_seq=dx_seq,
        chronic=chronic,
    )


def _chronic(rng: np.random.Generator, people: People, frailty: Floats) -> Bools:
    """Draw who lives with which chronic disease: shape (people, `CHRONIC`); one frailty drives all, so they go together."""
    age = (PERIOD_LAST - 3 * 365 - people.birth_days) / 365.2425
    share = np.array([row[2] for row in CHRONIC])
    fade = np.array([row[3] for row in CHRONIC])
    youth = np.clip(80.0 - age, 0.0, None)[:, None] / 40.0
    probability = np.clip(share * frailty[:, None] * np.exp(-fade * youth), 0.0, 0.97)
    has: Bools = rng.random(probability.shape) < probability
    has[age < 12] = False
    return has


def _arrivals(rng: np.random.Generator, people: People, frailty: Floats) -> tuple[Ints, Ints]:
    mean = np.clip(0.72 * frailty**1.5, 0.02, 8.0)
    extra = rng.poisson(rng.gamma(0.6, mean / 0.6))
    extra[people.is_newborn] = np.minimum(extra[people.is_newborn], rng.integers(0, 2, int(people.is_newborn.sum())))
    times = 1 + np.minimum(extra, MAX_ADMISSIONS - 1).astype(np.int64)
    person = np.repeat(np.arange(len(people), dtype=np.int64), times)
    first = np.maximum(people.birth_days, PERIOD_FIRST)[person]
    admit = first + (rng.random(len(person)) * (PERIOD_LAST - 7 - first)).astype(np.int64)
    order = np.lexsort((admit, person))
    admit = admit[order]
    opening = np.concatenate([[0], np.cumsum(times)[:-1]])
    admit[opening[people.is_newborn]] = people.birth_days[people.is_newborn]
    return person, admit


def age_groups(age_days: Ints) -> Ints:
    """Return the age group of `pipelines.demo.diseases` for each age in days."""
    years = age_days / 365.2425
    return np.where(age_days < 28, 0, 1 + np.searchsorted([15.0, 40.0, 65.0, 75.0], years, side="right")).astype(
        np.int64
    )


def _draw_by_group(rng: np.random.Generator, sex: Ints, group: Ints) -> Ints:
    table = cumulative_by_group()
    uniform = rng.random(len(sex))
    drawn = np.zeros(len(sex), dtype=np.int64)
    for sex_code in (1, 2):
        for number in range(table.shape[1]):
            where = np.flatnonzero((sex == sex_code) & (group == number))
            drawn[where] = np.searchsorted(table[sex_code - 1, number], uniform[where], side="right")
    capped: Ints = np.minimum(drawn, table.shape[2] - 1)
    return capped


def _main_diagnoses(rng: np.random.Generator, sex: Ints, age_days: Ints, person: Ints) -> Ints:
    group = age_groups(age_days)
    main = _draw_by_group(rng, sex, group)
    # People come back with what they had: a third of later stays repeat the first one's diagnosis.
    first = np.searchsorted(person, person)
    repeats = (rng.random(len(main)) < 0.35) & (group[first] == group) & (group > 0)
    repeated: Ints = np.where(repeats, main[first], main)
    return repeated


def _departures(rng: np.random.Generator, person: Ints, admit: Ints, main: Ints, age_years: Ints) -> Ints:
    median = np.full(len(diseases()), 8.0)
    for prefixes, days in (
        (("H25",), 2.0),
        (("K63.5", "D12", "G47.3", "I20"), 2.5),
        (("O80", "Z38"), 6.0),
        (("I63", "I61", "S72", "G91"), 21.0),
        (("C",), 11.0),
        (("I50", "J69"), 17.0),
        (("F",), 28.0),
    ):
        median[codes_starting(*prefixes)] = days
    stay = rng.lognormal(np.log(median[main]) + 0.004 * (age_years - 60), 0.62)
    days = np.clip(np.rint(stay), 1, 180).astype(np.int64)
    next_admit = np.append(admit[1:], PERIOD_LAST)
    same = np.append(person[1:] == person[:-1], False)
    latest = np.where(same, np.minimum(next_admit - 1, PERIOD_LAST), PERIOD_LAST)
    discharge: Ints = np.maximum(np.minimum(admit + days, latest), admit)
    return discharge


def _all_diagnoses(
    rng: np.random.Generator, people: People, person: Ints, age_days: Ints, main: Ints, chronic: Bools
) -> tuple[Ints, Ints, Ints]:
    stays = np.arange(len(person), dtype=np.int64)
    coded = chronic[person] & (rng.random((len(person), chronic.shape[1])) < 0.85)
    stay_c, which = np.nonzero(coded)
    chronic_code = np.array([disease_index()[row[0]] for row in CHRONIC], dtype=np.int64)
    more = np.repeat(stays, np.minimum(rng.poisson(0.55, len(person)), 3))
    extra = _draw_by_group(rng, people.sex[person[more]], age_groups(age_days[more]))
    stay = np.concatenate([stays, stay_c, more])
    code = np.concatenate([main, chronic_code[which], extra])
    rank = np.concatenate([np.zeros(len(stays)), 1 + which, 100 + np.arange(len(more))]).astype(np.int64)
    order = np.lexsort((rank, stay))
    stay, code = stay[order], code[order]
    # A diagnosis comes once a stay: keep its first place.
    _, first = np.unique(stay * len(diseases()) + code, return_index=True)
    first.sort()
    stay, code = stay[first], code[first]
    seq = np.arange(len(stay)) - np.searchsorted(stay, stay) + 1
    kept = seq <= MAX_DIAGNOSES
    return stay[kept], code[kept], seq[kept].astype(np.int64)


def _emergencies(rng: np.random.Generator, main: Ints) -> Bools:
    share = np.full(len(diseases()), 0.55)
    share[codes_starting("C", "D1", "D2", "D3")] = 0.16
    share[codes_starting("H25", "H40", "K63.5", "G47.3", "M17", "M16", "M48", "J35", "J32", "K40", "K80.2")] = 0.02
    share[codes_starting("I21", "I61", "I60", "I63", "A41", "K35", "S72", "J69", "T")] = 0.94
    emergency: Bools = rng.random(len(main)) < share[main]
    return emergency


def _outcomes(rng: np.random.Generator, person: Ints, main: Ints, age_years: Ints) -> Ints:
    risk = np.full(len(diseases()), 0.02)
    risk[codes_starting("C")] = 0.10
    risk[codes_starting("I50", "J69", "A41", "I61", "I21", "J96", "J84", "K72", "I60")] = 0.17
    risk[codes_starting("H", "Z", "O", "P", "K63", "D1", "M", "K40", "G47")] = 0.0005
    dies = rng.random(len(main)) < np.clip(risk[main] * np.exp(0.03 * (age_years - 75)), 0, 0.6)
    is_last = np.append(person[1:] != person[:-1], True)
    other = np.searchsorted([0.13, 0.83, 0.91], rng.random(len(main))).astype(np.int64)
    other = np.where(other == _DEATH, 4, other)
    return np.where(dies & is_last, _DEATH, other)


def _bodies(rng: np.random.Generator, people: People, person: Ints, age_days: Ints) -> tuple[Ints, Ints]:
    """Draw height (cm) and weight (kg) in tenths; a person keeps the height of the person's adult years."""
    age = age_days / 365.2425
    standing = np.where(people.sex == 1, 169.5, 156.5) + 5.6 * rng.standard_normal(len(people))
    shrunk = standing[person] - np.clip(age - 50, 0, None) * 0.16
    growth = np.interp(age, [0, 1, 3, 6, 10, 13, 16], [0.295, 0.44, 0.56, 0.68, 0.82, 0.93, 1.0])
    height = shrunk * growth + 0.3 * rng.standard_normal(len(person))
    build = np.clip(22.6 + 3.5 * rng.standard_normal(len(people)), 13.5, 45.0)
    lean = np.interp(age, [0, 1, 6, 12, 18, 75, 95], [0.62, 0.75, 0.69, 0.8, 0.95, 1.0, 0.9])
    weight = build[person] * lean * (height / 100) ** 2 * np.exp(0.03 * rng.standard_normal(len(person)))
    measured_height = rng.random(len(person)) > 0.08
    measured_weight = rng.random(len(person)) > 0.06
    return (
        np.where(measured_height, np.rint(height * 10), 0).astype(np.int64),
        np.where(measured_weight, np.rint(weight * 10), 0).astype(np.int64),
    )
