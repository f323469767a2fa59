"""Which disease lies below which: the question that disease-specific consent asks.

Belongs here: the graph and the question. Does not: reading it from files (`mondo_files`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from policies.model.strictness import Text


@dataclass(frozen=True, slots=True)
class Diseases:
    """Diseases and their parents, as far as a table knows them.

    `parents` has every disease the table knows. `partial` are those of which the table may lack parents: what is not
    found above one of them may still be there. `labels` are for people, and may lack diseases.
    """

    parents: Mapping[str, tuple[str, ...]]
    partial: frozenset[str] = frozenset()
    labels: Mapping[str, Text] = field(default_factory=lambda: MappingProxyType({}))
    source: str = ""

    def label(self, disease: str) -> Text:
        """Return what a disease is called; its id where the table has no word."""
        return self.labels.get(disease) or Text(ja=disease, en=disease)

    def ancestors(self, disease: str) -> frozenset[str]:
        """Return everything above a disease that the table knows, without the disease itself; no cycle loops."""
        found: set[str] = set()
        waiting = [*self.parents.get(disease, ())]
        while waiting:
            parent = waiting.pop()
            if parent not in found:
                found.add(parent)
                waiting += self.parents.get(parent, ())
        return frozenset(found - {disease})

    def is_at_or_below(self, disease: str, allowed: str) -> bool | None:
        """Return whether `disease` is `allowed` or a kind of it; None where the table cannot know.

        Guarantee: True only along parents that the table holds. False only if the disease lies above the allowed one,
        or if everything above the disease is known and the allowed one is not there.
        """
        if disease == allowed:
            return True
        above = self.ancestors(disease)
        if allowed in above:
            return True
        if disease in self.ancestors(allowed):
            return False
        closure = {disease, *above}
        is_whole = closure <= set(self.parents) and not closure & self.partial
        return False if is_whole else None


def is_within(diseases: Diseases, disease: str, allowed: Iterable[str]) -> bool | None:
    """Return whether a disease is one of the allowed or a kind of one; None if that of one is not known."""
    answers = [diseases.is_at_or_below(disease, each) for each in allowed]
    if True in answers:
        return True
    return None if None in answers else False
