"""Tables by municipality: how many live where, and how small a count may then be (NDB guideline, least counts)."""

from datetime import date
from typing import Annotated

from pydantic import Field

from policies.model.strictness import ColumnName, PolicyModel

Inhabitants = Annotated[int, Field(ge=0)]


class Municipality(PolicyModel):
    """The column of a count table that names municipalities, their inhabitants, and the tiers of the least count.

    `inhabitants` lists every municipality that may appear, by its label in the output; another one stops the release.
    Municipalities below `none_below` inhabitants are not shown by themselves; below `raised_below` the least count is
    `raised_min_cell` people. `source` says which population statistics, `counted_on` of which day.
    """

    column: ColumnName
    inhabitants: dict[str, Inhabitants]
    source: Annotated[str, Field(min_length=4)]
    counted_on: date
    none_below: Annotated[int, Field(ge=0)]
    raised_below: Annotated[int, Field(ge=0)]
    raised_min_cell: Annotated[int, Field(ge=1)]

    def least(self, inhabitants: int, *, min_cell: int) -> int:
        """Return the least count that may be shown where so many people live; `min_cell` holds in large places."""
        return max(min_cell, self.raised_min_cell) if inhabitants < self.raised_below else min_cell
