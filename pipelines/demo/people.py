"""The patients: names, birth dates, addresses, phones, insurance. Everything is a draw; nobody is described."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from anonymization.japan.check_digits import two_one_check_digits
from anonymization.japan.eras import ERAS
from anonymization.japan.prefectures import BY_NAME
from pipelines.demo.names import COHORT_ENDS, given_names, surnames
from pipelines.demo.places import buildings, municipalities, municipality_cumulative, towns
from pipelines.demo.text_columns import FIRST_DAY, choose, concat, digits, iso_dates, pick, plain, scatter

Ints = NDArray[np.int64]

COLUMNS: tuple[str, ...] = (
    "patient_no",
    "name_kanji",
    "name_kana",
    "sex",
    "birth_date",
    "postal_code",
    "address",
    "phone",
    "insurer_no",
    "insured_symbol",
    "insured_number",
    "insured_branch",
)

REFERENCE_DAY = int((np.datetime64("2022-07-01") - FIRST_DAY).astype(int))
"""Ages are drawn as of this day."""

LAST_BIRTH_DAY = int((np.datetime64("2025-11-30") - FIRST_DAY).astype(int))

_AGE_BANDS = np.arange(0, 115, 5)
# Share of inpatients by five-year age band, men and women; newborns are drawn apart. Shaped like 患者調査 (inpatients).
_AGE_WEIGHTS = np.array(
    [
        [24, 14, 10, 10, 12, 14, 17, 22, 29, 38, 50, 64, 84, 112, 138, 130, 116, 80, 34, 6, 0.5, 0.06, 0.01],
        [19, 11, 8, 10, 21, 34, 40, 30, 28, 34, 42, 48, 58, 78, 104, 112, 128, 116, 68, 19, 2.6, 0.4, 0.04],
    ]
)
_NEWBORN_SHARE = 0.035
NUMBER_LIMIT = 9_800_000
"""Patient numbers (first seven digits) below this are people; above are rows of the dirt generator."""

_KATAKANA = "ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロワヲンーヴ"
_HALF_WIDTH = (
    "ｧ ｱ ｨ ｲ ｩ ｳ ｪ ｴ ｫ ｵ ｶ ｶﾞ ｷ ｷﾞ ｸ ｸﾞ ｹ ｹﾞ ｺ ｺﾞ ｻ ｻﾞ ｼ ｼﾞ ｽ ｽﾞ ｾ ｾﾞ ｿ ｿﾞ ﾀ ﾀﾞ ﾁ ﾁﾞ ｯ ﾂ ﾂﾞ ﾃ ﾃﾞ ﾄ ﾄﾞ ﾅ ﾆ ﾇ ﾈ ﾉ ﾊ ﾊﾞ ﾊﾟ ﾋ ﾋﾞ ﾋﾟ ﾌ ﾌﾞ ﾌﾟ ﾍ ﾍﾞ ﾍﾟ ﾎ ﾎﾞ ﾎﾟ"
    " ﾏ ﾐ ﾑ ﾒ ﾓ ｬ ﾔ ｭ ﾕ ｮ ﾖ ﾗ ﾘ ﾙ ﾚ ﾛ ﾜ ｦ ﾝ ｰ ｳﾞ"
)


@dataclass(frozen=True, slots=True)
class People:
    """A block of N patients. `birth_days` are counted from `FIRST_DAY`; `table` is the text of patients.csv."""

    sex: Ints
    birth_days: Ints
    is_newborn: NDArray[np.bool_]
    surname: pa.Array
    table: pa.Table

    def __len__(self) -> int:
        return len(self.sex)


def make_people(rng: np.random.Generator, *, bodies: Ints) -> People:
    """Draw one patient for each seven-digit patient number body.

    Args:
        rng: Where all draws come from.
        bodies: Seven-digit numbers, distinct; the check digit is added here.
    """
    count = len(bodies)
    sex = np.where(rng.random(count) < 0.505, 1, 2).astype(np.int64)
    is_newborn = rng.random(count) < _NEWBORN_SHARE
    birth_days = _birth_days(rng, sex, is_newborn)
    surname, kanji, kana = _names(rng, sex, birth_days)
    place = np.searchsorted(municipality_cumulative(), rng.random(count), side="right").astype(np.int64)
    postal, address = _addresses(rng, place)
    insurance = _insurance(rng, place, birth_days)
    columns = [
        with_check_digit(bodies, 7),
        kanji,
        kana,
        plain(sex),
        _birth_dates(rng, birth_days),
        postal,
        address,
        phones(rng, place),
        *insurance,
    ]
    return People(sex, birth_days, is_newborn, surname, pa.table(dict(zip(COLUMNS, columns, strict=True))))


def identifiers_in(table: pa.Table) -> dict[str, int]:
    """Count the rows of patients.csv that hold each kind of identifier, by the scanner's names of kinds."""
    kinds = {
        "patient_number": "patient_no",
        "name": "name_kanji",
        "postal_code": "postal_code",
        "address": "address",
        "phone": "phone",
        "insurer_number": "insurer_no",
        "insured_number": "insured_number",
    }
    return {kind: table.num_rows - table[column].null_count for kind, column in kinds.items()}


def with_check_digit(bodies: Ints, width: int) -> pa.Array:
    """Write each body with leading zeros and its 2-1 check digit."""
    spread = bodies[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10
    return digits(bodies * 10 + two_one_check_digits(spread), width + 1)


def phones(rng: np.random.Generator, place: Ints) -> pa.Array:
    """Draw phone numbers in ranges that are not assigned to subscribers.

    A local exchange never begins with 0 or 1, and a mobile number's fourth digit is never 0 (電気通信番号計画), so the
    numbers look right and ring nowhere.
    """
    count = len(place)
    area_code = pick([municipality.area_code for municipality in municipalities()], place)
    exchange_width = 6 - pc.utf8_length(area_code).to_numpy(zero_copy_only=False)
    exchange = 10 ** (exchange_width.astype(np.int64) - 1) + rng.integers(0, 10**6, count) % 10 ** np.maximum(
        exchange_width.astype(np.int64) - 1, 0
    )
    last = digits(rng.integers(0, 10_000, count), 4)
    fixed = concat(area_code, plain(exchange), last, between="-")
    prefix = pick(["090", "080", "070"], np.searchsorted([0.55, 0.85], rng.random(count)).astype(np.int64))
    mobile = concat(prefix, digits(rng.integers(0, 1000, count), 4), last, between="-")
    listed = choose(rng.random(count) < 0.58, mobile, fixed)
    return choose(rng.random(count) < 0.03, None, listed)


def _birth_days(rng: np.random.Generator, sex: Ints, is_newborn: NDArray[np.bool_]) -> Ints:
    cumulative = np.cumsum(_AGE_WEIGHTS / _AGE_WEIGHTS.sum(axis=1, keepdims=True), axis=1)
    draws = rng.random(len(sex))
    band = np.where(sex == 1, np.searchsorted(cumulative[0], draws), np.searchsorted(cumulative[1], draws))
    band = np.minimum(band, len(_AGE_BANDS) - 1)
    days_old = ((_AGE_BANDS[band] + 5 * rng.random(len(sex))) * 365.2425).astype(np.int64)
    born_in_period = rng.integers(REFERENCE_DAY - 1277, LAST_BIRTH_DAY, len(sex))
    return np.where(is_newborn, born_in_period, REFERENCE_DAY - days_old)


def years_of(days: Ints) -> Ints:
    """Return the calendar year of each day."""
    return (FIRST_DAY + days).astype("datetime64[Y]").astype(np.int64) + 1970


def _names(rng: np.random.Generator, sex: Ints, birth_days: Ints) -> tuple[pa.Array, pa.Array, pa.Array]:
    count = len(sex)
    family = surnames()
    chosen = family.draw(rng.random(count))
    cohort = np.searchsorted(np.array(COHORT_ENDS), years_of(birth_days), side="right")
    uniform = rng.random(count)
    kanji, kana = [], []
    for sex_code in (1, 2):
        for number, end in enumerate(COHORT_ENDS):
            where = np.flatnonzero((sex == sex_code) & (cohort == number))
            names = given_names(sex_code, end)
            index = names.draw(uniform[where])
            kanji.append((where, pick(names.kanji, index)))
            kana.append((where, pick(names.kana, index)))
    surname = pick(family.kanji, chosen)
    full = concat(surname, scatter(count, kanji), between="　")
    reading = concat(pick(family.kana, chosen), scatter(count, kana), between="　")
    return surname, full, _some_half_width(rng, reading)


def _some_half_width(rng: np.random.Generator, reading: pa.Array) -> pa.Array:
    """Write one reading in thirty in half-width katakana, as old systems do."""
    table = str.maketrans(dict(zip(_KATAKANA, _HALF_WIDTH.split(), strict=True)) | {"　": " "})
    where = np.flatnonzero(rng.random(len(reading)) < 1 / 30)
    narrow = [text.translate(table) for text in reading.take(pa.array(where)).to_pylist()]
    mask = np.zeros(len(reading), dtype=bool)
    mask[where] = True
    return pc.replace_with_mask(reading, pa.array(mask), pa.array(narrow, type=pa.string()))


def era_dates(days: Ints) -> tuple[pa.Array, pa.Array]:
    """Write days as era dates, short (`S25.3.2`) and long (`昭和25年3月2日`)."""
    when = FIRST_DAY + days
    month = when.astype("datetime64[M]").astype(np.int64) % 12 + 1
    day = (when - when.astype("datetime64[M]")).astype(np.int64) + 1
    firsts = np.array([era.first for era in ERAS], dtype="datetime64[D]")
    era = np.searchsorted(firsts, when, side="right").astype(np.int64) - 1
    year = years_of(days) - np.array([era.year_one for era in ERAS], dtype=np.int64)[era] + 1
    short = concat(concat(pick([era.letter for era in ERAS], era), plain(year)), plain(month), plain(day), between=".")
    counted = choose(year == 1, "元", plain(year))
    long = concat(pick([era.name for era in ERAS], era), counted, "年", plain(month), "月", plain(day), "日")
    return short, long


def _birth_dates(rng: np.random.Generator, birth_days: Ints) -> pa.Array:
    """Write birth dates: mostly ISO, some as short and some as long era dates."""
    short, long = era_dates(birth_days)
    style = rng.random(len(birth_days))
    return choose(style < 0.86, iso_dates(birth_days), choose(style < 0.95, short, long))


def _addresses(rng: np.random.Generator, place: Ints) -> tuple[pa.Array, pa.Array]:
    count = len(place)
    town = rng.integers(0, len(towns()), count)
    # A postal code belongs to a town, so it follows from municipality and town; -0xxx are ordinary delivery areas.
    group = pick([municipality.postal_group for municipality in municipalities()], place)
    postal = concat(group, digits((place * 7919 + town * 104_729) % 900 + 1, 4), between="-")
    block, lot, house = (rng.integers(1, limit, count) for limit in (8, 40, 30))
    written = concat(plain(block), "丁目", plain(lot), "番", plain(house), "号")
    dashed = concat(plain(block), plain(lot), plain(house), between="-")
    style = rng.random(count)
    number = choose(style < 0.3, written, dashed)
    number = choose(style > 0.92, _full_width(dashed), number)
    room = concat(
        pick(buildings(), rng.integers(0, len(buildings()), count)),
        plain(rng.integers(1, 10, count) * 100 + rng.integers(1, 12, count)),
        "号室",
    )
    building = choose(rng.random(count) < 0.32, concat("　", room), "")
    where = pick([municipality.prefecture + municipality.name for municipality in municipalities()], place)
    return postal, concat(where, pick(towns(), town), number, building)


def _full_width(text: pa.Array) -> pa.Array:
    for narrow, wide in zip("0123456789-", "０１２３４５６７８９－", strict=True):
        text = pc.replace_substring(text, narrow, wide)
    return text


def _insurance(rng: np.random.Generator, place: Ints, birth_days: Ints) -> tuple[pa.Array, ...]:
    """Draw insurer number, symbol, number and branch: 国保, 協会けんぽ, 組合, 共済, and 後期高齢者 from 75."""
    count = len(place)
    code = np.array([int(BY_NAME[municipality.prefecture].code) for municipality in municipalities()], dtype=np.int64)[
        place
    ]
    kind = np.searchsorted([0.40, 0.74, 0.94], rng.random(count)).astype(np.int64)
    kind = np.where(REFERENCE_DAY - birth_days >= 75 * 365.25, 4, kind)
    law = np.array([0, 1, 6, 34, 39], dtype=np.int64)[kind]
    serial = np.where(np.isin(kind, (0, 4)), place % 900 + 10, rng.zipf(1.6, count) % 1000)
    insurer = choose(
        kind == 0, with_check_digit(code * 1000 + serial, 5), with_check_digit(law * 100_000 + code * 1000 + serial, 7)
    )
    number = rng.integers(1, 9_999_999, count)
    symbols = pick(["仙青", "若", "宮", "公", "共A", "東北", "甲", "ほ"], rng.integers(0, 8, count))
    symbol = choose(
        kind == 1, digits(rng.integers(1_000_000, 99_999_999, count), 8), concat(symbols, plain(number % 97))
    )
    symbol = choose(kind == 4, "", choose(kind == 2, plain(number % 9000 + 1), symbol))
    insured = choose(kind == 4, with_check_digit(number, 7), plain(number % 999_983 + 1))
    branch = choose(kind == 4, "", digits(np.minimum(rng.zipf(2.2, count) - 1, 5), 2))
    return insurer, symbol, insured, branch
