"""The recount of controlled rows: no key of the source, no sample of nobody, no more people than were counted."""

from collections.abc import Mapping

from anonymization.evidence import CheckResult
from anonymization.release_checks.verdict import no_source_key, source_keys, verdict
from anonymization.tables import ControlledRows, Pseudonymized


def recount_controlled(protected: ControlledRows, sources: Mapping[str, Pseudonymized]) -> tuple[CheckResult, ...]:
    """Recount controlled rows: ids, samples and people."""
    tables = {name: table.to_pyarrow() for name, table in protected.tables.items()}
    people = {value for table in tables.values() for value in table.column(0).to_pylist()} if tables else set()
    samples = {sample for table in protected.genotypes.values() for sample in table.samples}
    keys = source_keys(sources.values())
    checks = [
        no_source_key(tables, sources),
        verdict("sample_keys", len(samples & keys), "no sample is called by a key of the source", rule="APPI-23"),
        verdict(
            "same_people",
            len(samples - people) if people else 0,
            "genotypes belong to people of the release's tables",
            samples=len(samples),
        ),
    ]
    out = len(people | samples)
    expected = protected.evidence.people_out or 0
    checks.append(verdict("people", max(0, out - expected), "no more people leave than were counted", people=out))
    return tuple(checks)
