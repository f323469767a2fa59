"""Laboratory results: about twenty analytes whose values follow age, sex and the diagnoses of the stay.

The codes have JLAC10's 17 characters (analyte 5, identification 4, material 3, method 3, result 2) and follow the codes
of 特定健診 where one exists; the distributions are invented around Japanese reference intervals (JCCLS 共用基準範囲).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.demo.people import People
from pipelines.demo.stays import Floats, Stays
from pipelines.demo.text_columns import Ints, decimals, iso_dates, pick

_SECOND_DRAW_DAY = 7


@dataclass(frozen=True, slots=True)
class Analyte:
    """One test: code, Japanese name, unit, decimal places, how often it is measured, median for men and women, spread."""

    jlac10: str
    name: str
    unit: str
    places: int
    share: float
    men: float
    women: float
    spread: float
    is_repeated: bool


ANALYTES: tuple[Analyte, ...] = (
    Analyte("2A010000001930101", "白血球数", "/μL", 0, 0.96, 6100, 5900, 0.26, True),
    Analyte("2A020000001930101", "赤血球数", "10^4/μL", 0, 0.95, 440, 400, 0.11, False),
    Analyte("2A030000001930101", "ヘモグロビン", "g/dL", 1, 0.96, 13.7, 12.2, 0.12, True),
    Analyte("2A050000001930101", "血小板数", "10^4/μL", 1, 0.95, 21.0, 22.0, 0.28, False),
    Analyte("3B035000002327201", "AST", "U/L", 0, 0.94, 23, 21, 0.34, True),
    Analyte("3B045000002327201", "ALT", "U/L", 0, 0.94, 21, 16, 0.42, False),
    Analyte("3B090000002327101", "γ-GT", "U/L", 0, 0.78, 32, 19, 0.62, False),
    Analyte("3B050000002327201", "LD", "U/L", 0, 0.74, 190, 190, 0.18, False),
    Analyte("3J010000002327101", "総ビリルビン", "mg/dL", 1, 0.80, 0.8, 0.7, 0.34, False),
    Analyte("3A015000002327101", "アルブミン", "g/dL", 1, 0.84, 3.9, 3.8, 0.12, False),
    Analyte("3C025000002327101", "尿素窒素", "mg/dL", 1, 0.92, 16.0, 14.8, 0.30, True),
    Analyte("3C015000002327101", "クレアチニン", "mg/dL", 2, 0.95, 0.86, 0.64, 0.19, True),
    Analyte("8A065000002391901", "eGFR", "mL/min/1.73m2", 1, 0.90, 0, 0, 0, False),
    Analyte("3C020000002327101", "尿酸", "mg/dL", 1, 0.50, 5.8, 4.6, 0.22, False),
    Analyte("3H010000002326101", "ナトリウム", "mmol/L", 0, 0.94, 140, 140, 0.018, True),
    Analyte("3H015000002326101", "カリウム", "mmol/L", 1, 0.94, 4.2, 4.2, 0.09, True),
    Analyte("5C070000002306201", "CRP", "mg/dL", 2, 0.88, 0.18, 0.16, 1.3, True),
    Analyte("3D010000002227101", "血糖", "mg/dL", 0, 0.80, 108, 104, 0.14, False),
    Analyte("3D046000001906202", "HbA1c(NGSP)", "%", 1, 0.42, 5.7, 5.7, 0.055, False),
    Analyte("3F015000002327101", "中性脂肪", "mg/dL", 0, 0.36, 112, 94, 0.42, False),
    Analyte("3F070000002327101", "HDLコレステロール", "mg/dL", 0, 0.34, 52, 60, 0.22, False),
    Analyte("3F077000002327101", "LDLコレステロール", "mg/dL", 0, 0.36, 112, 116, 0.24, False),
    Analyte("4Z271000002305101", "BNP", "pg/mL", 1, 0.20, 24, 26, 0.8, False),
)

_BY_NAME = {analyte.name: number for number, analyte in enumerate(ANALYTES)}


@dataclass(frozen=True, slots=True)
class Labs:
    """The L results of a block: the admission each belongs to, and the text columns after admission and patient."""

    stay: Ints
    lab_date: pa.Array
    jlac10: pa.Array
    lab_ja: pa.Array
    value: pa.Array
    unit: pa.Array


def make_labs(rng: np.random.Generator, people: People, stays: Stays) -> Labs:
    """Draw the results of each stay: a draw on admission, and for longer stays a second, smaller one."""
    factors, probability = _effects(stays)
    base = _base(people, stays)
    spread = np.array([analyte.spread for analyte in ANALYTES])
    person_level = rng.standard_normal((len(people), len(ANALYTES)))[stays.person]
    noise = 0.75 * person_level + 0.66 * rng.standard_normal(base.shape)
    first = base * factors * np.exp(spread * noise)
    # Treatment brings values back: a week later the disease's effect has shrunk to its square root.
    later = base * np.sqrt(factors) * np.exp(spread * (0.85 * noise + 0.4 * rng.standard_normal(base.shape)))
    for values in (first, later):
        values[:, _BY_NAME["eGFR"]] = _egfr(
            values[:, _BY_NAME["クレアチニン"]], people.sex[stays.person], stays.age_years
        )
    is_sampled = rng.random((len(stays), 1)) < 0.95
    taken = is_sampled & (rng.random(base.shape) < probability)
    repeated = np.array([analyte.is_repeated for analyte in ANALYTES])
    long_enough = (stays.discharge - stays.admit >= _SECOND_DRAW_DAY + 2) & (rng.random(len(stays)) < 0.6)
    again = taken & repeated & long_enough[:, None]
    return _as_rows(stays, [(taken, first, 0), (again, later, _SECOND_DRAW_DAY)])


def _as_rows(stays: Stays, draws: list[tuple[NDArray[np.bool_], Floats, int]]) -> Labs:
    places = np.array([analyte.places for analyte in ANALYTES], dtype=np.int64)
    at, which, scaled, day = [], [], [], []
    for taken, values, days in draws:
        stay, analyte = np.nonzero(taken)
        at.append(stay)
        which.append(analyte)
        scaled.append(np.rint(values[stay, analyte] * 10.0 ** places[analyte]).astype(np.int64))
        day.append(stays.admit[stay] + days)
    stay, analyte = np.concatenate(at), np.concatenate(which)
    order = np.argsort(stay, kind="stable")
    stay, analyte = stay[order], analyte[order]
    value = decimals(np.maximum(np.concatenate(scaled)[order], 1), places[analyte])
    return Labs(
        stay=stay,
        lab_date=iso_dates(np.concatenate(day)[order]),
        jlac10=pick([entry.jlac10 for entry in ANALYTES], analyte),
        lab_ja=pick([entry.name for entry in ANALYTES], analyte),
        value=value,
        unit=pick([entry.unit for entry in ANALYTES], analyte),
    )


def _base(people: People, stays: Stays) -> Floats:
    men = np.array([analyte.men for analyte in ANALYTES])
    women = np.array([analyte.women for analyte in ANALYTES])
    base: Floats = np.where((people.sex[stays.person] == 1)[:, None], men, women)
    child = np.clip(stays.age_years, 0, 15) / 15
    old = np.clip(stays.age_years - 60, 0, 40) / 40
    base[:, _BY_NAME["クレアチニン"]] *= (0.35 + 0.65 * child) * (1 + 0.25 * old)
    base[:, _BY_NAME["尿素窒素"]] *= 1 + 0.3 * old
    base[:, _BY_NAME["ヘモグロビン"]] *= 1 - 0.12 * old
    base[:, _BY_NAME["アルブミン"]] *= 1 - 0.15 * old
    base[:, _BY_NAME["BNP"]] *= 1 + 2.5 * old
    base[:, _BY_NAME["白血球数"]] *= 1.5 - 0.5 * child
    return base


def _effects(stays: Stays) -> tuple[Floats, Floats]:
    """Return, by stay and analyte, the factor that the diagnoses put on the value, and how likely it is measured."""
    factors = np.ones((len(stays), len(ANALYTES)))
    probability = np.tile(np.array([analyte.share for analyte in ANALYTES]), (len(stays), 1))
    for prefixes, effects in _DISEASE_EFFECTS:
        where = stays.has(*prefixes)
        for name, factor in effects:
            factors[where, _BY_NAME[name]] *= factor
    wanted = (
        (("E10", "E11"), "HbA1c(NGSP)", 0.93),
        (("I50", "I21", "I42"), "BNP", 0.9),
        (("E78",), "LDLコレステロール", 0.8),
    )
    for prefixes, name, share in wanted:
        probability[stays.has(*prefixes), _BY_NAME[name]] = share
    probability[stays.age_years < 1] *= 0.6
    return factors, probability


_DISEASE_EFFECTS: tuple[tuple[tuple[str, ...], tuple[tuple[str, float], ...]], ...] = (
    (("E10", "E11"), (("HbA1c(NGSP)", 1.30), ("血糖", 1.6), ("中性脂肪", 1.2))),
    (("N18", "N17"), (("クレアチニン", 1.9), ("尿素窒素", 1.7), ("カリウム", 1.06), ("ヘモグロビン", 0.9))),
    (("N18.5",), (("クレアチニン", 3.2), ("尿素窒素", 1.8))),
    (
        ("J15", "J18", "J69", "N10", "N39", "A41", "K81", "K83", "K80.3", "L03", "K35"),
        (("CRP", 28.0), ("白血球数", 1.75), ("アルブミン", 0.86)),
    ),
    (("A41",), (("CRP", 2.0), ("血小板数", 0.65))),
    (("K70", "K74", "B18", "C22", "K76"), (("AST", 2.1), ("ALT", 1.9), ("γ-GT", 2.4), ("血小板数", 0.72))),
    (("K74", "K72"), (("総ビリルビン", 2.2), ("アルブミン", 0.8))),
    (("K80", "K83", "C25", "C24"), (("総ビリルビン", 2.6), ("γ-GT", 3.5), ("ALT", 2.5))),
    (("I50",), (("BNP", 14.0), ("アルブミン", 0.93))),
    (("I21",), (("AST", 3.0), ("LD", 1.7), ("BNP", 4.0))),
    (("D50", "D64", "K25", "K26"), (("ヘモグロビン", 0.7), ("赤血球数", 0.82))),
    (("C9", "C83", "D46"), (("LD", 1.7), ("ヘモグロビン", 0.78), ("血小板数", 0.6))),
    (("E79", "M10"), (("尿酸", 1.3),)),
    (("E78",), (("LDLコレステロール", 1.2), ("中性脂肪", 1.25))),
    (("E87.1",), (("ナトリウム", 0.88),)),
    (("E87.5",), (("カリウム", 1.38),)),
)


def _egfr(creatinine: Floats, sex: Ints, age_years: Ints) -> Floats:
    """Estimate glomerular filtration. Source: 日本腎臓学会 CKD診療ガイド 2012: 194 Cr^-1.094 age^-0.287 (women x 0.739)."""
    egfr = 194.0 * np.clip(creatinine, 0.05, None) ** -1.094 * np.maximum(age_years, 1.0) ** -0.287
    return np.clip(np.where(sex == 2, 0.739 * egfr, egfr), 1.0, 250.0)
