"""The package of a release: data files, dictionary, policy, evidence, signed manifest; written whole, never changed."""

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from anonymization.disclosure import MIN_CELL_PEOPLE
from anonymization.tables import ControlledRows, Protected
from catalog.manifest import Json, Manifest, verify_manifest, write_manifest
from catalog.records import CatalogRecord
from pipelines.deployment import CODE_VERSION, Deployment
from policies.canonical import canonical_json, digest
from policies.errors import DataError, Place
from policies.library import PolicyKind
from policies.model import ReleasePolicy
from policies.vocabulary import ColumnType

MANIFEST = "manifest.json"
_ROW_GROUP_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Written:
    """A package on disk: its manifest, the size of each data file, the columns of each table."""

    manifest: Manifest
    files: Mapping[str, int]
    schema: Mapping[str, Mapping[str, ColumnType]]


def folder_of(deployment: Deployment, release: ReleasePolicy) -> Path:
    """Return the released folder of a release's version."""
    return deployment.settings.zones / "released" / release.id / release.version


def refuse_other_content(deployment: Deployment, release: ReleasePolicy, *, inputs: str) -> None:
    """Refuse to make a version anew that is published with other content; asked before any budget is spent.

    Raises:
        DataError: The version is published, and was made from other inputs.
    """
    folder = folder_of(deployment, release)
    if not (folder / MANIFEST).exists():
        return
    statement = verify_manifest(folder, deployment.keys.signing_keys()).statement
    if statement.get("inputs") != inputs:
        raise DataError(
            "release.version-published",
            what=f"version {release.version} of release '{release.id}' is published, and the data, a policy or Niji changed since",
            why="a published version never changes: recipients and their results cite it",
            fix=f"raise `version` in policies/releases/{release.id}.yaml and run again, or use another NIJI_HOME",
            where=Place(str(folder)),
        )


def write_package(
    deployment: Deployment, protected: Protected, folder: Path, *, record: CatalogRecord, inputs: str
) -> Written:
    """Write a package into a folder that is not there yet, and sign it.

    Args:
        deployment: Keys and policies.
        protected: The validated release.
        folder: Where the package appears, complete.
        record: The catalog record; its dictionary becomes the package's.
        inputs: What the release was made from; the manifest states it.

    Raises:
        DataError: The folder exists or cannot be written.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder.parent / f".{secrets.token_hex(8)}.part"
    part.mkdir(mode=0o700)
    try:
        files, schema = write_data(protected, part)
        _json(part / "dictionary.json", {"tables": [table.model_dump(mode="json") for table in record.tables]})
        (part / "policy.json").write_bytes(canonical_json(protected.release))
        _json(part / "evidence.json", public_evidence(record))
        statement: dict[str, Json] = {
            "release": protected.release.id,
            "version": protected.release.version,
            "policy": digest(protected.release),
            "approvals": approvals_of(deployment, protected.release),
            "inputs": inputs,
            "code": CODE_VERSION,
            "label": protected.release.publication.label_ja if protected.release.publication else "",
        }
        manifest = write_manifest(part, deployment.keys.signer(), statement=statement)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Written(manifest, files, schema)


def approvals_of(deployment: Deployment, release: ReleasePolicy) -> dict[str, Json]:
    """Return the digests of the records by which a release and its datasets are active, by `kind/id`."""
    policies = [(PolicyKind.RELEASE, release.id), *((PolicyKind.DATASET, name) for name in release.datasets)]
    found: dict[str, Json] = {}
    for kind, name in policies:
        found[f"{kind.value}/{name}"] = [one.record for one in deployment.require_active(kind, name).signatures]
    return found


def write_data(protected: Protected, folder: Path) -> tuple[dict[str, int], dict[str, dict[str, ColumnType]]]:
    """Write the data files of a release; returns their sizes in bytes and the columns of each table."""
    tables = {name: _arrow(rows) for name, rows in protected.tables.items()}
    if isinstance(protected, ControlledRows):
        for name, genotypes in protected.genotypes.items():
            tables[name] = genotypes.sites
            tables[f"{name}_samples"] = pa.table({"sample_id": pa.array(genotypes.samples, pa.string())})
    files = {}
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=_ROW_GROUP_ROWS)
        files[path.name] = path.stat().st_size
    return files, schema_of(tables)


def schema_of(tables: Mapping[str, pa.Table]) -> dict[str, dict[str, ColumnType]]:
    """Return the columns of Arrow tables in the vocabulary of the dictionary."""
    return {name: {field.name: _type_of(field.type) for field in table.schema} for name, table in tables.items()}


@contextmanager
def temporary_package(
    deployment: Deployment, protected: Protected, *, record: CatalogRecord, inputs: str
) -> Iterator[Path]:
    """Write a package that is never published (controlled rows) inside the restricted zone, and remove it after use."""
    folder = deployment.settings.zones / "restricted" / "packages" / secrets.token_hex(8)
    try:
        write_package(deployment, protected, folder, record=record, inputs=inputs)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def public_evidence(record: CatalogRecord) -> dict[str, object]:
    """Return the evidence that leaves with the data: what the catalog shows, and nothing more exact."""
    return {
        "release": record.release,
        "version": record.version,
        "policy_digest": record.policy_digest,
        "people_out": record.people_out,
        "min_cell_people": MIN_CELL_PEOPLE,
        "evidence": record.evidence.model_dump(mode="json"),
    }


def _arrow(rows: object) -> pa.Table:
    return rows if isinstance(rows, pa.Table) else rows.to_pyarrow()  # type: ignore[attr-defined]  # an Ibis table


def _type_of(kind: pa.DataType) -> ColumnType:
    checks = (
        (pa.types.is_boolean, ColumnType.BOOLEAN),
        (pa.types.is_integer, ColumnType.INTEGER),
        (pa.types.is_floating, ColumnType.DECIMAL),
        (pa.types.is_date, ColumnType.DATE),
        (pa.types.is_timestamp, ColumnType.TIMESTAMP),
        (pa.types.is_list, ColumnType.STRINGS),
        (pa.types.is_binary, ColumnType.ALLELES),
    )
    return next((found for is_kind, found in checks if is_kind(kind)), ColumnType.STRING)


def _json(path: Path, body: Mapping[str, object]) -> None:
    path.write_text(json.dumps(body, ensure_ascii=False, indent=2, sort_keys=True) + "\n", "utf-8")
