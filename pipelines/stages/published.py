"""7 published: the signed package in the released zone, and the catalog record; refused if the record's shapes fail."""

from anonymization.evidence import Evidence
from anonymization.tables import ControlledRows
from catalog.dcat import build_graph
from catalog.describe import PackageFacts, describe
from catalog.manifest import verify_manifest
from catalog.records import CatalogRecord
from catalog.shacl import validate
from pipelines.deployment import Deployment
from pipelines.stages.answers import answers_of, refuse_open
from pipelines.stages.dossier import has_dossier, make_dossier
from pipelines.stages.outcome import Outcome
from pipelines.stages.package import MANIFEST, folder_of, refuse_other_content, schema_of, write_package
from pipelines.stages.proofs import is_proved, prove_published
from pipelines.stages.protected import read_protected
from pipelines.stages.validated import checks_of
from pipelines.storage import Stage
from policies.canonical import digest
from policies.errors import DataError
from policies.library import PolicyKind
from policies.vocabulary import ColumnType


def make_published(deployment: Deployment, name: str) -> Outcome:
    """Publish a validated release: package, dossier, record, audit entry. Publishing the same again changes nothing.

    Raises:
        DataError: The record breaks its shapes, or the version is published with other content.
        PolicyError: `rule.unanswered`, `rule.broken`: a BLOCK rule that applies is open.
    """
    deployment.require_active(PolicyKind.RELEASE, name)
    release = deployment.library.release(name)
    validated = deployment.zones.require(Stage.VALIDATED, name)
    made_from = deployment.zones.require(Stage.PROTECTED, name).inputs
    known = deployment.store.record(name, version=release.version)
    refuse_other_content(deployment, release, inputs=made_from)
    folder = folder_of(deployment, release)
    if known is not None and known.policy_digest == digest(release) and _is_complete(known, deployment):
        if not is_proved(deployment, name):
            prove_published(deployment, release, known, folder=folder, broken_shapes=_broken_shapes(known))
        if not has_dossier(deployment, release):
            make_dossier(deployment, release, known, answers_of(deployment, release))
        return Outcome(validated, is_reused=True, words={"catalog_id": known.id})
    protected = read_protected(deployment, name, engine=deployment.engine())
    record = record_of(deployment, name)
    if not isinstance(protected, ControlledRows):
        if not (folder / MANIFEST).exists():
            write_package(deployment, protected, folder, record=record, inputs=made_from)
        manifest = verify_manifest(folder, deployment.keys.signing_keys())
        data = sorted(folder.glob("*.parquet"))
        facts = PackageFacts(
            manifest_digest=manifest.digest,
            files={path.name: path.stat().st_size for path in data},
            schema=_schema(deployment, name),
        )
        record = record_of(deployment, name, facts=facts)
    _refuse_broken(record)
    prove_published(deployment, release, record, folder=folder, broken_shapes=0)
    answers = answers_of(deployment, release)
    refuse_open(release, answers, file=deployment.library.file_of(PolicyKind.RELEASE, name))
    dossier = make_dossier(deployment, release, record, answers)
    record = record.model_copy(update={"dossier_digest": dossier.digest})
    deployment.audit.append(
        actor="pipeline", action="release.publish", subject=record.id, details={"version": record.version}
    )
    deployment.store.publish(record)
    return Outcome(validated, is_reused=False, words={"catalog_id": record.id})


def record_of(deployment: Deployment, name: str, *, facts: PackageFacts | None = None) -> CatalogRecord:
    """Describe a validated release for the catalog."""
    release = deployment.library.release(name)
    validated = deployment.zones.require(Stage.VALIDATED, name)
    return describe(
        release,
        {one: deployment.library.dataset(one) for one in release.datasets},
        evidence=Evidence.from_json(validated.facts["evidence"]),
        checks=checks_of(validated),
        issued=deployment.settings.on,
        policy_digest=digest(release),
        package=facts or PackageFacts(schema=_schema(deployment, name)),
    )


def _schema(deployment: Deployment, name: str) -> dict[str, dict[str, ColumnType]]:
    version = deployment.zones.require(Stage.PROTECTED, name)
    tables = {table: deployment.zones.head(version, table) for table in version.tables}
    return schema_of(tables)


def _is_complete(record: CatalogRecord, deployment: Deployment) -> bool:
    if record.manifest_digest is None:
        return True
    folder = folder_of(deployment, deployment.library.release(record.release))
    return (folder / MANIFEST).exists()


def _broken_shapes(record: CatalogRecord) -> int:
    return len(validate(build_graph([record])).violations)


def _refuse_broken(record: CatalogRecord) -> None:
    report = validate(build_graph([record]))
    if report.conforms:
        return
    paths = sorted({str(found.path) for found in report.violations})
    raise DataError(
        "catalog.shapes-failed",
        what=f"the catalog record of '{record.id}' breaks {len(report.violations)} shapes: {', '.join(paths)}",
        why="a record that others cannot read is not published",
        fix="complete the catalog part of the release policy",
    )
