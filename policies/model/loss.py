"""What the levels of a microdata release are chosen to lose least of; a choice of use, no promise to a person."""

from typing import Annotated, Literal

from pydantic import Field

from policies.model.strictness import ColumnName, PolicyModel


class ColumnWeight(PolicyModel):
    """How much one quasi-identifier matters: 2 for twice as much as one that is not named, 0 for not at all."""

    column: ColumnName
    weight: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LeastLoss(PolicyModel):
    """The mean over quasi-identifiers of what each loses, and how much each matters.

    Source: the geometric mean is ARX's Loss; the arithmetic one lets one column lose all for the sake of others.
    """

    mean: Literal["geometric", "arithmetic"] = "geometric"
    weights: tuple[ColumnWeight, ...] = ()

    def fault(self, quasi_identifiers: tuple[str, ...]) -> str | None:
        """Return in words why the weights do not fit these quasi-identifiers; None where they do."""
        columns = [one.column for one in self.weights]
        if len(set(columns)) != len(columns):
            return "a column stands twice in `weights`"
        if not set(columns) <= set(quasi_identifiers):
            return "`weights` names a column that is no quasi-identifier"
        if set(columns) == set(quasi_identifiers) and not any(one.weight for one in self.weights):
            return "all `weights` are 0: something must matter"
        return None
