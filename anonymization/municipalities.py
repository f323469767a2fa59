"""Count tables by municipality: which places are shown, which only together, and how small a count may be in each.

Source: NDB の利用に関するガイドライン 最小集計単位の原則 (rule CELL-NDB-1): nothing where fewer than 2,000 people live, 20 or more
below 25,000, 10 or more elsewhere. The figures are those of the policy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from policies.errors import DataError
from policies.model.municipality import Municipality

POOLED = "小規模市区町村(合算) Small municipalities"
"""The label of all municipalities that are not shown by themselves. A value of the data that reads the same is refused."""


@dataclass(frozen=True, slots=True)
class Places:
    """What happens with the municipalities of a table.

    `pooled` are counted together under one label; `is_pool_shown` says whether even together enough people live there,
    otherwise their rows leave the table.
    """

    pooled: tuple[str, ...]
    is_pool_shown: bool


def places_of(municipality: Municipality) -> Places:
    """Decide by the declared inhabitants alone, so that the choice tells nothing about the data."""
    pooled = tuple(
        sorted(label for label, people in municipality.inhabitants.items() if people < municipality.none_below)
    )
    return Places(pooled, _pool(municipality, pooled) >= municipality.none_below)


def least_counts(municipality: Municipality, labels: Sequence[str], *, min_cell: int) -> list[int]:
    """Return the least count that may be shown for each label of a table; `min_cell` where no municipality is named.

    Args:
        municipality: The tiers and the inhabitants.
        labels: The labels of the table, after pooling.
        min_cell: The least count of the table.
    """
    inhabitants = {**municipality.inhabitants, POOLED: _pool(municipality, places_of(municipality).pooled)}
    return [
        municipality.least(inhabitants[label], min_cell=min_cell) if label in inhabitants else min_cell
        for label in labels
    ]


def refuse_unknown(municipality: Municipality, labels: Sequence[str], *, unnamed: str) -> None:
    """Refuse labels whose inhabitants nobody declared; `unnamed` is the label of rows without a municipality.

    Raises:
        DataError: `data.unknown-municipality`; the message counts them and names none.
    """
    unknown = set(labels) - set(municipality.inhabitants) - {unnamed}
    if unknown or POOLED in municipality.inhabitants:
        raise DataError(
            "data.unknown-municipality",
            what=f"{len(unknown)} municipalities of '{municipality.column}' have no inhabitants in the policy",
            why="how small a count may be depends on how many people live there (CELL-NDB-1)",
            fix="add them to `method.municipality.inhabitants`, under the labels they have in the output",
        )


def _pool(municipality: Municipality, pooled: Sequence[str]) -> int:
    return sum(municipality.inhabitants[label] for label in pooled)
