"""Whether ids link: to the source's own codes, or to another release of the same people (rule APPI-23, violation V03)."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from anonymization.controlled import PERSON_ID
from anonymization.evidence import CheckResult, rule_check
from anonymization.microdata import record_id_column
from anonymization.release_checks.surroundings import Surroundings
from anonymization.release_checks.verdict import text_values
from policies.model import ReleasePolicy
from policies.model.treatment import Pseudonymize


def linkage_checks(
    release: ReleasePolicy, tables: Mapping[str, pa.Table], around: Surroundings, *, samples: Sequence[str] = ()
) -> tuple[CheckResult, ...]:
    """Look for the ids of a release among the source's codes and in the other releases of its datasets.

    Args:
        release: Its policy; it says which columns are ids.
        tables: The tables that will leave.
        around: The source's codes and the other releases' tables.
        samples: The names of the samples of its genotype tables.
    """
    ids = ids_of(release, tables) | set(samples)
    own = len(ids & around.source_codes)
    # Row by row within a table an id repeats; in another release it must not appear at all, whatever its column.
    shared = {
        name: len(ids & set().union(*(text_values(table) for table in others))) if ids else 0
        for name, others in around.elsewhere.items()
    }
    return (
        rule_check("APPI-23", "ids.source", own, "no id is a code of the source", {"ids": len(ids)}),
        rule_check(
            "APPI-23",
            "ids.other_releases",
            sum(shared.values()),
            "no id is in another release of the same people",
            {"releases_compared": len(shared), "sharing": sum(count > 0 for count in shared.values())},
        ),
        rule_check("NBDC-03", "ids.coded_twice", own, "ids are coded anew for this release", {"ids": len(ids)}),
    )


def ids_of(release: ReleasePolicy, tables: Mapping[str, pa.Table]) -> set[str]:
    """Return the ids in the tables of a release: its pseudonymized columns, and the ids that its method gives."""
    named = {
        column.output_name
        for entry in release.tables
        for column in entry.columns
        if column.leaves and any(isinstance(step, Pseudonymize) for step in column.treat)
    }
    named |= {record_id_column(release), PERSON_ID}
    return {
        value
        for table in tables.values()
        for name in table.column_names
        if name in named
        for value in text_values(table.select([name]))
    }
