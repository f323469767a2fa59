"""What all policy models share: strictness, bilingual text, names and exact numbers."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


class PolicyModel(BaseModel):
    """A frozen model that refuses unknown keys and never quotes input in its errors."""

    # Validators are made when the first file of a kind is read: `niji policy --help` reads none.
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True, defer_build=True
    )


class Text(PolicyModel):
    """The same words in Japanese and English; both are shown, neither may be empty."""

    ja: Annotated[str, StringConstraints(min_length=1)]
    en: Annotated[str, StringConstraints(min_length=1)]


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$", max_length=64)]
"""A name that may become a folder, an asset key or a part of a URL."""

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=120)]
"""A column name, as the source writes it."""


_MAX_PLACES = 30
# '1e999999999' is ten characters, and the number written out a gigabyte.


def _exact(value: Any) -> Any:
    # A YAML float such as 0.1 is already rounded to binary; money and budgets must be written as quoted decimals.
    if isinstance(value, float):
        msg = "write the number as a quoted decimal, for example '0.5'"
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns ValueError into a finding
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        msg = "write the number as a quoted decimal, for example '0.5'"
        raise ValueError(msg) from None
    if number.is_finite() and number and not -_MAX_PLACES <= number.adjusted() <= _MAX_PLACES:
        msg = f"write a number with at most {_MAX_PLACES} places before and behind the point"
        raise ValueError(msg)
    return number


Exact = Annotated[Decimal, BeforeValidator(_exact)]
"""An exact decimal, written in quotes; floats are refused."""

Ratio = Annotated[float, Field(ge=0, le=1)]
"""A share between 0 and 1, never percent."""
