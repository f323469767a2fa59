"""What a release is held against besides its own source: source codes, other releases, the thresholds of the rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from anonymization.hierarchy import Hierarchy


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies around a release when it is recounted.

    `source_codes` are the codes of people, records and samples as the source wrote them (patient numbers, research
    ids); `elsewhere` the tables of other releases of the same datasets, by their name. Neither is ever stored.
    `top_age_years` and `min_persons` are the parameters of rule APPI-24. `hierarchies` are those that the release names, by
    name: models that compare a class with the whole table need that table again, treated as the release was.
    """

    source_codes: frozenset[str] = field(default_factory=frozenset, repr=False)
    elsewhere: Mapping[str, tuple[pa.Table, ...]] = field(default_factory=dict, repr=False)
    top_age_years: int = 90
    min_persons: int = 10
    hierarchies: Mapping[str, Hierarchy] = field(default_factory=dict, repr=False)
