"""What lies around a release when it is recounted: the source's codes, other releases, the thresholds of its rules.

Reads the consented, protected and released zones; keeps nothing of what it reads.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from anonymization.release_checks.surroundings import Surroundings
from pipelines.deployment import Deployment
from pipelines.storage import Stage
from policies.applies import packs_of
from policies.library import PolicyLibrary
from policies.model import ReleasePolicy
from policies.model.method import ControlledRows, Microdata
from policies.vocabulary import ColumnRole

_CODES = frozenset({ColumnRole.PERSON_KEY, ColumnRole.RECORD_KEY, ColumnRole.SAMPLE_KEY})


def surroundings_of(deployment: Deployment, release: ReleasePolicy) -> Surroundings:
    """Return what a release is held against besides its own source; a release without ids is held against no codes."""
    top_age, least = thresholds_of(deployment.library, release)
    if not isinstance(release.method, Microdata | ControlledRows):
        return Surroundings(top_age_years=top_age, min_persons=least)
    return Surroundings(
        source_codes=frozenset(_source_codes(deployment, release)),
        elsewhere={name: tuple(tables) for name, tables in _elsewhere(deployment, release)},
        top_age_years=top_age,
        min_persons=least,
        hierarchies=deployment.hierarchies(release),
    )


def thresholds_of(library: PolicyLibrary, release: ReleasePolicy) -> tuple[int, int]:
    """Return the top age in years and the least number of people of rule APPI-24, the house's where no pack says."""
    plain = Surroundings()
    for pack in packs_of(release, library):
        rule = pack.rule("APPI-24")
        if rule is not None:
            top, least = rule.parameters.get("top_age"), rule.parameters.get("min_persons")
            return (
                top if isinstance(top, int) else plain.top_age_years,
                least if isinstance(least, int) else plain.min_persons,
            )
    return plain.top_age_years, plain.min_persons


def _source_codes(deployment: Deployment, release: ReleasePolicy) -> Iterator[str]:
    zones = deployment.zones
    for name in release.datasets:
        version = zones.current(Stage.CONSENTED, name)
        if version is None:
            continue
        for table in version.tables:
            policy = deployment.library.dataset(name).table(table)
            if policy is None:
                continue
            if policy.samples is not None:
                yield from zones.samples(version, table)
                continue
            codes = [column.name for column in policy.columns if column.role in _CODES]
            present = [code for code in codes if code in zones.head(version, table).column_names]
            for column in zones.arrow(version, table, columns=present).columns if present else ():
                yield from (str(value) for value in column.unique().to_pylist() if value is not None)


def _elsewhere(deployment: Deployment, release: ReleasePolicy) -> Iterator[tuple[str, Iterator[pa.Table]]]:
    """Yield the published packages and the controlled rows of other releases that draw on one of its datasets."""
    wanted = set(release.datasets)
    for policy in sorted((deployment.settings.zones / "released").glob("*/*/policy.json")):
        folder = policy.parent
        name = f"{folder.parent.name}/{folder.name}"
        drawn = {table["dataset"] for table in json.loads(policy.read_text("utf-8"))["tables"]}
        if name != f"{release.id}/{release.version}" and wanted & drawn:
            yield name, (_texts(path) for path in sorted(folder.glob("*.parquet")))
    for other in deployment.library.releases.values():
        version = deployment.zones.current(Stage.PROTECTED, other.id)
        is_other = other.id != release.id and isinstance(other.method, ControlledRows)
        if is_other and version is not None and wanted & set(other.datasets):
            zones, tables = deployment.zones, version.tables
            yield (
                other.id,
                (zones.arrow(version, table) for table in tables if not _is_genotype(deployment, other, table)),
            )


def _texts(path: Path) -> pa.Table:
    file = pq.ParquetFile(path)
    return file.read(columns=[field.name for field in file.schema_arrow if pa.types.is_string(field.type)])


def _is_genotype(deployment: Deployment, release: ReleasePolicy, table: str) -> bool:
    entry = release.table(table)
    policy = deployment.library.dataset(entry.dataset).table(table) if entry else None
    return policy is not None and policy.samples is not None
