"""Re-identification risk of a table as it is, from one class-size spectrum.

Classes are counted in people where a person column is given; figures over records weigh each class by its rows.
Missing values are a category of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anonymization.histogram import require_columns
from anonymization.population import Population
from anonymization.risks.journalist import PopulationRisk, population_risk
from anonymization.spectrum import SpectrumOfClassSizes
from policies.errors import DataError, PolicyError

if TYPE_CHECKING:
    import ibis

AT_RISK_THRESHOLD = 0.2
"""Records whose risk is above this are "at risk". Source: the default threshold of ARX 3.9 risk analyses (k = 5)."""

CLASS_ROWS, CLASS_PEOPLE, CLASS_L, CLASS_T = "__niji_rows", "__niji_people", "__niji_l", "__niji_t"
CELL, SURPLUS = "__niji_cell", "__niji_surplus"
"""Names that no column of a table has, so that a quasi-identifier may be called `l`."""


@dataclass(frozen=True, slots=True)
class AttackerRisk:
    """Risk as a ratio: the worst record's, the average record's, and the share of records above the threshold."""

    max: float
    mean: float
    at_risk: float

    def as_json(self) -> dict[str, float]:
        """Return the figures as plain JSON values."""
        return {"max": self.max, "mean": self.mean, "at_risk": self.at_risk}


@dataclass(frozen=True, slots=True)
class SensitiveRisk:
    """What a class tells about one sensitive column, in the worst class.

    `l` is the least number of distinct values, missing ones not counted; `t` the largest total variation distance
    between a class and the table (equal-distance t-closeness), a missing value being one more value.
    """

    column: str
    l: int
    t: float


@dataclass(frozen=True, slots=True)
class RiskReport:
    """The risks of a table against an attacker who knows the quasi-identifiers.

    `k` is the smallest class in people, `uniques` the people who are alone in their class, `records` rows, `people`
    persons (equal to `records` without a person column). The prosecutor knows that the person is in the table. The
    journalist does not: `against_population` is that risk where a population table is given; without one it cannot exceed
    the prosecutor's and is given as that bound. Records are at risk above `threshold`.
    The marketer's is the share of records that would be linked rightly if every one were linked at random in its class.
    """

    quasi_identifiers: tuple[str, ...]
    person: str | None
    records: int
    people: int
    uniques: int
    prosecutor: AttackerRisk
    sensitive: tuple[SensitiveRisk, ...]
    spectrum: SpectrumOfClassSizes
    threshold: float = AT_RISK_THRESHOLD
    against_population: PopulationRisk | None = None

    @property
    def k(self) -> int:
        """The size of the smallest class in people."""
        return self.spectrum.k

    @property
    def journalist(self) -> AttackerRisk:
        """The risk by the population table; without one the upper bound that then holds: the prosecutor's risk."""
        found = self.against_population
        return self.prosecutor if found is None else AttackerRisk(found.max, found.mean, found.at_risk)

    @property
    def marketer(self) -> float:
        """The expected share of records linked rightly."""
        return self.prosecutor.mean

    @property
    def l(self) -> int | None:  # noqa: E743 - l is the letter of the paper
        """The least number of sensitive values in a class, over all sensitive columns; None without one."""
        return min((risk.l for risk in self.sensitive), default=None)

    @property
    def t(self) -> float | None:
        """The largest distance of a class from the table, over all sensitive columns; None without one."""
        return max((risk.t for risk in self.sensitive), default=None)

    def as_json(self) -> dict[str, object]:
        """Return the report as plain JSON values; the shape of `niji risk --json`."""
        return {
            "k": self.k,
            "uniques": self.uniques,
            "records": self.records,
            "people": self.people,
            "classes": self.spectrum.class_count,
            "prosecutor": self.prosecutor.as_json(),
            "journalist": {**self.journalist.as_json(), "basis": "upper_bound_without_population"}
            if self.against_population is None
            else self.against_population.as_json(),
            "marketer": self.marketer,
            "l": self.l,
            "t": self.t,
            "sensitive": {risk.column: {"l": risk.l, "t": risk.t} for risk in self.sensitive},
            "at_risk_threshold": self.threshold,
            "quasi_identifiers": list(self.quasi_identifiers),
            "person": self.person,
            "missing_values": "own_category",
            "spectrum": self.spectrum.as_json(),
        }


def risk(
    rows: "ibis.Table",
    *,
    quasi_identifiers: Sequence[str],
    sensitive: Sequence[str] = (),
    person: str | None = None,
    population: Population | None = None,
    threshold: float = AT_RISK_THRESHOLD,
) -> RiskReport:
    """Measure the risk of a table as it is.

    Args:
        rows: The table; not changed.
        quasi_identifiers: One or more columns that an attacker knows.
        sensitive: Columns that an attacker wants to learn.
        person: The column that names the person; None when every row is another person.
        population: The people of the population by the same columns; gives the journalist's risk.
        threshold: The risk above which a record is at risk, between 0 and 1.

    Raises:
        PolicyError: No quasi-identifier, a column named twice, or a threshold outside 0 to 1.
        DataError: A missing column, an empty table, a row without a person, or a population smaller than the table.

    Source: El Emam, Guide to the De-Identification of Personal Health Information, 2013 (the three attackers);
    Li et al., t-closeness, ICDE 2007 (equal distance: total variation).
    """
    named = [*quasi_identifiers, *sensitive, *([person] if person else [])]
    if not quasi_identifiers or len(set(named)) != len(named):
        raise PolicyError(
            "policy.quasi-identifiers",
            what="no quasi-identifier is named, or a column is named twice",
            why="each column is a quasi-identifier, a sensitive column or the person, and only one of them",
            fix="name at least one quasi-identifier, and each column once",
        )
    if not 0.0 < threshold < 1.0:
        raise PolicyError(
            "policy.risk-threshold",
            what="the threshold of records at risk is not between 0 and 1",
            why="a risk is a chance, never a percentage",
            fix="write 0.2 for one in five",
        )
    require_columns(rows, named)
    people = _people(rows, person)
    spectrum = _spectrum(rows, quasi_identifiers, person)
    records = spectrum.record_count
    if records == 0:
        raise DataError(
            "data.empty",
            what="the table has no rows",
            why="an empty table has no risk to measure",
            fix="check the source and the steps before this one",
        )
    return RiskReport(
        quasi_identifiers=tuple(quasi_identifiers),
        person=person,
        records=records,
        people=records if people is None else people,
        uniques=spectrum.classes[0] if spectrum.k == 1 else 0,
        prosecutor=_attacker(spectrum, threshold),
        sensitive=tuple(_sensitive_risk(rows, quasi_identifiers, column) for column in sensitive),
        spectrum=spectrum,
        threshold=threshold,
        against_population=None
        if population is None
        else population_risk(
            rows, quasi_identifiers=quasi_identifiers, population=population, person=person, threshold=threshold
        ),
    )


def _people(rows: "ibis.Table", person: str | None) -> int | None:
    if person is None:
        return None
    counted = rows.aggregate(people=rows[person].nunique(), nobody=rows[person].isnull().sum()).to_pyarrow().to_pylist()
    nobody = int(counted[0]["nobody"] or 0)
    if nobody:
        raise DataError(
            "data.person-missing",
            what=f"{nobody} row(s) have no value in the person column '{person}'",
            why="k counts people, so every row must say whose it is",
            fix="complete the column, or remove these rows before",
        )
    return int(counted[0]["people"])


def _spectrum(rows: "ibis.Table", quasi_identifiers: Sequence[str], person: str | None) -> SpectrumOfClassSizes:
    people = rows.count() if person is None else rows[person].nunique()
    classes = rows.group_by(list(quasi_identifiers)).aggregate(**{CLASS_ROWS: rows.count(), CLASS_PEOPLE: people})
    spectrum = (
        classes.group_by(CLASS_PEOPLE)
        .aggregate(classes=classes.count(), records=classes[CLASS_ROWS].sum())
        .order_by(CLASS_PEOPLE)
        .to_pyarrow()
    )
    sizes, counts, records = (
        tuple(int(value) for value in spectrum.column(name).to_pylist())
        for name in (CLASS_PEOPLE, "classes", "records")
    )
    return SpectrumOfClassSizes(sizes, counts, records)


def _attacker(spectrum: SpectrumOfClassSizes, threshold: float) -> AttackerRisk:
    total = spectrum.record_count
    pairs = list(zip(spectrum.sizes, spectrum.records, strict=True))
    mean = sum(records / size for size, records in pairs) / total
    above = sum(records for size, records in pairs if 1.0 / size > threshold)
    return AttackerRisk(max=1.0 / spectrum.k, mean=mean, at_risk=above / total)


def _sensitive_risk(rows: "ibis.Table", quasi_identifiers: Sequence[str], column: str) -> SensitiveRisk:
    import ibis

    keys = list(quasi_identifiers)
    cells = rows.group_by([*keys, column]).aggregate(**{CELL: rows.count()})
    total, of_class, of_value = (cells[CELL].sum().over(ibis.window(group_by=group)) for group in ([], keys, [column]))
    # Windows, not joins: a window partitions nulls together, a join would lose them.
    shares = cells.mutate(**{SURPLUS: cells[CELL] / of_class - of_value / total})
    # Half the sum of all differences is the sum of the positive ones, and values absent from a class have none.
    per_class = shares.group_by(keys).aggregate(
        **{CLASS_L: shares[column].count(), CLASS_T: ibis.greatest(shares[SURPLUS], 0.0).sum()}
    )
    worst = per_class.aggregate(l=per_class[CLASS_L].min(), t=per_class[CLASS_T].max()).to_pyarrow().to_pylist()[0]
    return SensitiveRisk(column, int(worst["l"]), float(worst["t"]))
