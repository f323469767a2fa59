"""The journalist's risk with a population table: how many people of the population each class could be.

Source: El Emam, Guide to the De-Identification of Personal Health Information, CRC Press 2013 (journalist and marketer
risk against an identification database); El Emam & Dankar, JAMIA 15(5), 2008.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anonymization.histogram import build_histogram
from anonymization.population import POPULATION, Population, with_population
from anonymization.quasi import QuasiIdentifier

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True, slots=True)
class PopulationRisk:
    """Risks over records, each one divided by the people of the population with its values.

    `k_map` is the least of them. `max`, `mean` and `at_risk` are the worst record's, the average record's, and the share of
    records above the threshold. `uniques` counts people of the table who are the only one with their values in the
    population. `contradicted` counts the classes that the population has fewer people for than the table: it does not
    hold everybody then, and the people of the table stand in for them.
    """

    k_map: int
    max: float
    mean: float
    at_risk: float
    uniques: int
    contradicted: int

    def as_json(self) -> dict[str, object]:
        """Return the figures as plain JSON values."""
        return {
            "max": self.max,
            "mean": self.mean,
            "at_risk": self.at_risk,
            "k_map": self.k_map,
            "population_uniques": self.uniques,
            "classes_contradicted": self.contradicted,
            "basis": "population_table",
        }


def population_risk(
    rows: "ibis.Table",
    *,
    quasi_identifiers: Sequence[str],
    population: Population,
    person: str | None = None,
    threshold: float,
) -> PopulationRisk:
    """Hold the classes of a table, as it is, against a population table by the same columns.

    Args:
        rows: The table; not changed.
        quasi_identifiers: One or more columns that both tables have, written alike.
        population: The people of the population, those of the table among them.
        person: The column that names the person; None when every row is another person.
        threshold: Above which risk a record is at risk.

    Raises:
        PolicyError: No quasi-identifier, or a column named twice.
        DataError: A missing column, an empty table, a row without a person, a population smaller than the table or with a
            count that is no number.
    """
    quasi = [QuasiIdentifier(column) for column in quasi_identifiers]
    histogram = with_population(build_histogram(rows, quasi_identifiers=quasi, person=person), population)
    size = len(histogram.rows)
    people = histogram.loyal.copy()
    if histogram.shared is not None:
        people += np.bincount(histogram.shared.tuples, minlength=size)
    is_held = histogram.rows > 0
    own, records = people[is_held], histogram.rows[is_held]
    theirs = histogram.sensitive[POPULATION].totals(size)[is_held]
    hidden = np.maximum(theirs, own)
    return PopulationRisk(
        k_map=int(hidden.min()),
        max=1.0 / int(hidden.min()),
        mean=float((records / hidden).sum() / records.sum()),
        at_risk=float(records[1.0 / hidden > threshold].sum() / records.sum()),
        uniques=int((hidden == 1).sum()),
        contradicted=int((theirs < own).sum()),
    )
