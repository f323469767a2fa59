"""What each check that a rule pack names confirms, in words: one door to the words of `rules` and `decision`.

Not here: checks that the stages of a run leave (`catalog.check_titles`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from policies.decision.titles import REQUEST_TITLES
from policies.model.strictness import Text
from policies.rules.titles import DATASET_TITLES, RELEASE_TITLES

CHECK_TITLES: Mapping[str, Text] = MappingProxyType({**RELEASE_TITLES, **DATASET_TITLES, **REQUEST_TITLES})
"""All of them, by the name that a rule pack's `check:` uses."""


def title_of_check(name: str) -> Text:
    """Return what a check confirms; a check without words is quoted by its name, so that no answer is lost."""
    return CHECK_TITLES.get(name, Text(ja=f"検査 {name} の定めどおりである", en=f"what the check {name} asks is there"))
