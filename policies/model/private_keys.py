"""Grouping columns whose values nobody listed: how they are named, and what that may cost."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from policies.model.strictness import ColumnName, Exact, PolicyModel


class PrivateColumn(PolicyModel):
    """A grouping column without a list: its values are whatever texts are there, of at most `max_length` characters.

    A longer text counts nowhere: it is never cut, because what is left of it could be another key.
    """

    column: ColumnName
    max_length: Annotated[int, Field(ge=1, le=200)]


class PrivateKeys(PolicyModel):
    """Keys that are read from the data, and named only where a noisy count lies above a threshold.

    `threshold_delta` is the chance, for any one person, that a key which only they have is named all the same; it adds to
    the δ of the release and is charged to the population's account. `source` says why no public list exists. A key that
    is not named means nothing: nobody may have it, or too few people.
    """

    columns: Annotated[tuple[PrivateColumn, ...], Field(min_length=1, max_length=5)]
    threshold_delta: Annotated[Exact, Field(gt=Decimal("1e-15"), lt=Decimal("0.001"))]
    source: Annotated[str, Field(min_length=4)]


PRIVATELY_KEYED = frozenset({"people", "rows"})
"""The statistics that may have private keys: counts, which alone a threshold can name."""
