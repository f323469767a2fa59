"""Dates: day → ISO week, month, quarter, half, 年度, year, decade, 和暦 → `*`.

Which step may follow which is in `policies.model.ladders.NESTS_IN`; the labels here keep it.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType

from anonymization.hierarchy import ROOT
from anonymization.japan.eras import ERAS
from policies.model.ladders import CalendarLevels, CalendarStep

APRIL = 4
"""年度 begins on 1 April. Source: 財政法 11条, 学校教育法施行規則 59条."""


def calendar_rows(levels: CalendarLevels) -> list[tuple[str, ...]]:
    """Return one row for every day of the years, in order: the ISO date, its label at each step, `*`."""
    first = date(levels.first_year, 1, 1)
    days = (date(levels.last_year, 12, 31) - first).days + 1
    labels = [LABELS[step] for step in levels.steps]
    dates = (first + timedelta(days=number) for number in range(days))
    return [(day.isoformat(), *(label(day) for label in labels), ROOT) for day in dates]


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def _fiscal_year(day: date) -> int:
    return day.year - (day.month < APRIL)


def _fiscal_half(day: date) -> str:
    return f"{_fiscal_year(day)}年度{'上期' if APRIL <= day.month < APRIL + 6 else '下期'}"


def _era_year(day: date) -> str:
    era = next(era for era in reversed(ERAS) if era.first <= day)
    year = day.year - era.year_one + 1
    return f"{era.name}{'元' if year == 1 else year}年"


def _era(day: date) -> str:
    return next(era.name for era in reversed(ERAS) if era.first <= day)


def _decade(day: date) -> str:
    first = day.year // 10 * 10
    return f"{first}-{first + 9}"


LABELS: Mapping[CalendarStep, Callable[[date], str]] = MappingProxyType(
    {
        "week": _week,
        "iso_year": lambda day: f"{day.isocalendar().year:04d} (ISO)",
        "month": lambda day: f"{day.year:04d}-{day.month:02d}",
        "quarter": lambda day: f"{day.year:04d}-Q{(day.month + 2) // 3}",
        "half": lambda day: f"{day.year:04d}-H{1 if day.month <= 6 else 2}",
        "fiscal_half": _fiscal_half,
        "fiscal_year": lambda day: f"{_fiscal_year(day)}年度",
        "year": lambda day: f"{day.year:04d}",
        "decade": _decade,
        "era_year": _era_year,
        "era": _era,
    }
)
"""The label of a day at each step. Weeks and their years are those of ISO 8601."""
