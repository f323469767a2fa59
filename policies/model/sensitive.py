"""What may be learned of a sensitive column from a class of a microdata release; one class a model, told apart by `model:`.

Without `model:` a criterion is distinct l-diversity. Several models on one column, and several columns, hold together:
every class must meet all of them. Rows are counted, not people (anonymization/DECISIONS.md). What counts as a value:
for the l-models and `alpha_share` a missing value is none; for the others it is a value of its own.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from policies.model.strictness import ColumnName, Name, PolicyModel


class DistinctL(PolicyModel):
    """Distinct l-diversity: every class holds at least `l` values of `column`.

    Source: Machanavajjhala et al., l-diversity, ACM TKDD 1(1), 2007.
    """

    model: Literal["distinct_l"] = "distinct_l"
    column: ColumnName
    l: Annotated[int, Field(ge=2)]


class EntropyL(PolicyModel):
    """Entropy l-diversity: in every class, the entropy of `column` is at least ln `l`, so no few values prevail.

    Source: Machanavajjhala et al., l-diversity, ACM TKDD 1(1), 2007, definition 4.1.
    """

    model: Literal["entropy_l"]
    column: ColumnName
    l: Annotated[float, Field(ge=2, allow_inf_nan=False)]


class RecursiveL(PolicyModel):
    """Recursive (c, l)-diversity: the most frequent value is rarer than `c` times all from the `l`-th on together.

    Source: Machanavajjhala et al., l-diversity, ACM TKDD 1(1), 2007, definition 4.2.
    """

    model: Literal["recursive_l"]
    column: ColumnName
    c: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    l: Annotated[int, Field(ge=2)]


class PositiveRecursiveL(PolicyModel):
    """Recursive (c, l)-diversity of the values that must not become known; those of `disclosable` may.

    Source: Machanavajjhala et al., l-diversity, ACM TKDD 1(1), 2007, definition 4.3 (positive disclosure).
    """

    model: Literal["positive_recursive_l"]
    column: ColumnName
    c: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    l: Annotated[int, Field(ge=2)]
    disclosable: Annotated[tuple[str, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        if len(set(self.disclosable)) != len(self.disclosable):
            msg = "a value stands twice in `disclosable`"
            raise ValueError(msg)
        return self


class Closeness(PolicyModel):
    """t-closeness: the distribution of `column` in every class is within `t` of that in the whole table.

    `distance` says how far two values are apart, from 0 to 1. `equal`: any two are 1 apart. `ordered`: as far as they
    are in `order`, a list of all values or `numeric` for numbers in the table's own order. `hierarchical`: by the level
    at which the `hierarchy` gives them one label. A missing value is 1 away from all others; in an order, 1 from its ends
    and half from its middle. The whole table is the one before suppression.

    Source: Li, Li & Venkatasubramanian, t-Closeness, IEEE ICDE 2007.
    """

    model: Literal["t_closeness"]
    column: ColumnName
    t: Annotated[float, Field(gt=0, lt=1)]
    distance: Literal["equal", "ordered", "hierarchical"] = "equal"
    order: Literal["numeric"] | Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    hierarchy: Name | None = None

    @model_validator(mode="after")
    def _distance_has_its_places(self) -> Self:
        if (self.distance == "ordered") != (self.order is not None):
            msg = "`order` belongs to `distance: ordered`, and only to it: a list of all values, or `numeric`"
            raise ValueError(msg)
        if (self.distance == "hierarchical") != (self.hierarchy is not None):
            msg = "`hierarchy` belongs to `distance: hierarchical`, and only to it"
            raise ValueError(msg)
        if isinstance(self.order, tuple) and len(set(self.order)) != len(self.order):
            msg = "a value stands twice in `order`"
            raise ValueError(msg)
        return self


class ValueShare(PolicyModel):
    """The α of (α, k)-anonymity: in every class, no value of `column` holds more than the share `alpha` of the rows.

    Source: Wong et al., (α, k)-anonymity, ACM KDD 2006, section 2.
    """

    model: Literal["alpha_share"]
    column: ColumnName
    alpha: Annotated[float, Field(gt=0, lt=1)]


class Likeness(PolicyModel):
    """β-likeness: in every class, no value's share is more than `beta` times above its share q in the whole table.

    Enhanced, it is also at most -ln q times above, which protects frequent values too.

    Source: Cao & Karras, Publishing microdata with a robust privacy guarantee, PVLDB 5(11), 2012.
    """

    model: Literal["beta_likeness"]
    column: ColumnName
    beta: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    enhanced: bool = True


class Disclosure(PolicyModel):
    """δ-disclosure privacy: in every class, every value's share p is near its share q in the table: |ln (p/q)| < `delta`.

    Source: Brickell & Shmatikov, The cost of privacy, ACM KDD 2008, definition 4.
    """

    model: Literal["delta_disclosure"]
    column: ColumnName
    delta: Annotated[float, Field(gt=0, allow_inf_nan=False)]


_MODELS = (
    "distinct_l",
    "entropy_l",
    "recursive_l",
    "positive_recursive_l",
    "t_closeness",
    "alpha_share",
    "beta_likeness",
    "delta_disclosure",
)


def _model_of(value: Any) -> str:
    found = value.get("model", "distinct_l") if isinstance(value, Mapping) else getattr(value, "model", "distinct_l")
    return found if isinstance(found, str) else ""


SensitiveModel = DistinctL | EntropyL | RecursiveL | PositiveRecursiveL | Closeness | ValueShare | Likeness | Disclosure
"""Any of the models."""

WrittenModel = Annotated[
    Annotated[DistinctL, Tag("distinct_l")]
    | Annotated[EntropyL, Tag("entropy_l")]
    | Annotated[RecursiveL, Tag("recursive_l")]
    | Annotated[PositiveRecursiveL, Tag("positive_recursive_l")]
    | Annotated[Closeness, Tag("t_closeness")]
    | Annotated[ValueShare, Tag("alpha_share")]
    | Annotated[Likeness, Tag("beta_likeness")]
    | Annotated[Disclosure, Tag("delta_disclosure")],
    # `complaints` reads this like pydantic's own error of a tag that is a plain key: a misspelt model is named at its line.
    Discriminator(
        _model_of,
        custom_error_type="unknown_tag",
        custom_error_message="no such model",
        custom_error_context={
            "discriminator": "'model'",
            "expected_tags": ", ".join(f"'{name}'" for name in _MODELS),
        },
    ),
]
"""Any of the models, as a policy file writes it."""


def key_of(model: SensitiveModel) -> str:
    """Return what tells a model from the others on its column: its name, and its distance or variant if not the usual."""
    if isinstance(model, Closeness) and model.distance != "equal":
        return f"{model.model}_{model.distance}"
    if isinstance(model, Likeness) and not model.enhanced:
        return f"{model.model}_basic"
    return model.model


def parameters_of(model: SensitiveModel) -> dict[str, object]:
    """Return a model as evidence writes it; of listed values only that there are some."""
    found = model.model_dump(mode="json", exclude_none=True)
    if isinstance(model, Closeness) and isinstance(model.order, tuple):
        found["order"] = "listed"
    if isinstance(model, PositiveRecursiveL):
        found["disclosable"] = "listed"
    return found
