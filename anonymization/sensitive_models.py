"""The models of sensitive values that a release asks for, with the hierarchy that a distance needs.

Here: policy records and where their values have their place. Not here: how a model is judged (`criteria`, and again
in `recount_sensitive`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from anonymization.hierarchy import Hierarchy
from policies.errors import PolicyError
from policies.model.sensitive import Closeness, Disclosure, Likeness, SensitiveModel


@dataclass(frozen=True, slots=True)
class TreeCloseness:
    """t-closeness under the hierarchical distance, with the hierarchy itself."""

    model: Closeness
    hierarchy: Hierarchy = field(repr=False)

    @property
    def column(self) -> str:
        """The sensitive column."""
        return self.model.column


AskedModel = SensitiveModel | TreeCloseness


def with_hierarchies(models: Iterable[SensitiveModel], hierarchies: Mapping[str, Hierarchy]) -> tuple[AskedModel, ...]:
    """Return the models as the engine takes them: each hierarchical distance with its hierarchy.

    Args:
        models: The models of a policy.
        hierarchies: The hierarchies by name.

    Raises:
        PolicyError: `policy.unknown-hierarchy`: one that a distance names is not there.
    """
    return tuple(_with_hierarchy(model, hierarchies) for model in models)


def _with_hierarchy(model: SensitiveModel, hierarchies: Mapping[str, Hierarchy]) -> AskedModel:
    if not isinstance(model, Closeness) or model.hierarchy is None:
        return model
    if model.hierarchy not in hierarchies:
        raise PolicyError(
            "policy.unknown-hierarchy",
            what=f"t-closeness of '{model.column}' measures distances in hierarchy '{model.hierarchy}', which is not there",
            why="how far values are apart is what the model promises",
            fix="add the hierarchy, correct the name, or use the equal distance",
        )
    return TreeCloseness(model, hierarchies[model.hierarchy])


def record_of(model: AskedModel) -> SensitiveModel:
    """Return the policy record of a model."""
    return model.model if isinstance(model, TreeCloseness) else model


def columns_of(models: Sequence[AskedModel]) -> tuple[str, ...]:
    """Return the sensitive columns, each once."""
    return tuple(dict.fromkeys(model.column for model in models))


def compares_with_table(model: AskedModel) -> bool:
    """Return whether a model holds a class against the whole table, not only against itself."""
    return isinstance(record_of(model), Closeness | Likeness | Disclosure)


def unplaced(model: Closeness) -> PolicyError:
    """Return the refusal of a hierarchical distance that came without its hierarchy."""
    return PolicyError(
        "policy.unknown-hierarchy",
        what=f"t-closeness of '{model.column}' came without its hierarchy",
        why="how far values are apart is what the model promises",
        fix="pass the models through `with_hierarchies`",
    )
