"""8 extracted: a permit's extract, sealed to its recipient; no permit, no extract."""

from catalog.extracts import Extract
from catalog.records import CatalogRecord
from catalog.store import require_record
from pipelines.deployment import Deployment
from pipelines.stages.outcome import Outcome
from pipelines.stages.package import folder_of, temporary_package
from pipelines.stages.proofs import prove_extracted, refuse_unlabelled
from pipelines.stages.protected import read_protected
from pipelines.storage import Stage
from policies.errors import NotPermittedError
from policies.library import PolicyKind
from policies.model import ReleasePolicy
from policies.model.method import ControlledRows


def make_extracted(deployment: Deployment, name: str, *, permit_id: str) -> Outcome:
    """Build the extract of a permit for a release, as an asset of that release.

    Raises:
        NotPermittedError: The permit is for another release.
    """
    permit = deployment.desk.permit(permit_id)
    if permit.release != name:
        raise NotPermittedError(
            "extract.other-release",
            what=f"permit {permit_id} is for release '{permit.release}', not '{name}'",
            why="a permit covers one release",
            fix=f"materialize extracted/{permit.release} for this permit",
        )
    extract = build_permitted(deployment, permit_id)
    validated = deployment.zones.require(Stage.VALIDATED, name)
    return Outcome(validated, is_reused=False, counts={"files": len(extract.manifest.files)})


def build_permitted(deployment: Deployment, permit_id: str) -> Extract:
    """Seal the package of a permit's release into the outbox.

    Controlled rows are written out only for the moment of sealing, inside the restricted zone.

    Raises:
        NotPermittedError: The permit does not hold today.
        DataError: The release is not published, or the extract exists.
    """
    desk = deployment.desk
    permit = desk.permit(permit_id)
    deployment.require_active(PolicyKind.RELEASE, permit.release)
    record = require_record(deployment.store, permit.release)
    release = deployment.library.release(permit.release)
    refuse_unlabelled(deployment, release)
    extract = _delivered(deployment, release, record, permit_id)
    prove_extracted(deployment, release, extract)
    return extract


def _delivered(deployment: Deployment, release: ReleasePolicy, record: CatalogRecord, permit_id: str) -> Extract:
    desk = deployment.desk
    outbox = deployment.settings.home / "outbox"
    if isinstance(release.method, ControlledRows):
        protected = read_protected(deployment, release.id, engine=deployment.engine())
        with temporary_package(deployment, protected, record=record, inputs=_inputs(deployment, record)) as package:
            return desk.deliver(
                permit_id, package=package, keys=deployment.keys, outbox=outbox, on=deployment.settings.on
            )
    package = folder_of(deployment, release)
    return desk.deliver(permit_id, package=package, keys=deployment.keys, outbox=outbox, on=deployment.settings.on)


def _inputs(deployment: Deployment, record: CatalogRecord) -> str:
    return deployment.zones.require(Stage.PROTECTED, record.release).inputs
