"""What a stage says of its work, in names and counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.storage import Version


@dataclass(frozen=True, slots=True)
class Outcome:
    """A stage's version, whether it was fresh already, and counts for people to read (before the disclosure gate)."""

    version: Version
    is_reused: bool
    counts: Mapping[str, int | None] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
