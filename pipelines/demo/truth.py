"""What is in a generated hospital, in counts: what tests and the demo hold the pipeline's numbers against."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Truth:
    """Counts of a generated hospital; no value of a person.

    `rows` counts the clean data rows of each file, `dirty` the further rows that do not fit, by reason. `planted` counts
    rows of a file that hold an identifier, by kind: of patients.csv in its columns, of admissions.csv in the notes.
    `opted_out` people objected and still do;
    `optouts_taken_back` objected and took it back. `consented` cohort people agree by their latest decision; `refusals`
    is the number who do not (`declined` never agreed, `withdrawn` agreed once). `rare_codes` is the number of ICD-10
    codes that one to three people have.
    """

    seed: int
    people: int
    samples: int
    sites: int
    rows: Mapping[str, int]
    dirty: Mapping[str, Mapping[str, int]]
    planted: Mapping[str, Mapping[str, int]]
    opted_out: int
    optouts_taken_back: int
    consented: int
    declined: int
    withdrawn: int
    refusals: int
    deaths: int
    over_100_years: int
    newborns: int
    icd10_codes: int
    rare_codes: int
    alleles_alt: int
    multi_allelic_sites: int
    has_my_number: bool
    has_canary: bool

    def as_json(self) -> str:
        """Return the counts as JSON text, keys in a fixed order."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"


def plain_counts(counts: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    """Return nested counters as sorted dictionaries without zeros."""
    return {
        name: {key: counter[key] for key in sorted(counter) if counter[key]} for name, counter in sorted(counts.items())
    }
