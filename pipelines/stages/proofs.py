"""What publication and delivery prove by rule: gathered for the checks of the catalog, refused or kept as a note.

A note lies beside the validated version, so that it speaks of that very version; `rule_evidence` reads it.
"""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from anonymization.evidence import CheckResult
from anonymization.pseudonymize import PseudonymKey
from anonymization.release_checks.restorable import restorable_checks
from anonymization.stage_checks import publication_consent_checks
from anonymization.tables import RegisterTable
from anonymization.validate import refuse_failed
from catalog.custody import custody_checks
from catalog.extracts import Extract
from catalog.keys import KeyKind
from catalog.provision_checks import delivery_checks
from catalog.publication_checks import label_checks, record_checks
from catalog.records import CatalogRecord
from pipelines.deployment import Deployment
from pipelines.stages.rule_evidence import EXTRACTED, PUBLISHED
from pipelines.storage import Stage
from policies.model import DatasetPolicy, ReleasePolicy
from policies.model.method import PrivateMethod

_DOCUMENTS = ("evidence.json", "dictionary.json", "manifest.json")


def is_proved(deployment: Deployment, release: str) -> bool:
    """Return whether publication has left its note beside the validated version of a release."""
    return deployment.zones.read_note(deployment.zones.require(Stage.VALIDATED, release), PUBLISHED) is not None


def prove_published(
    deployment: Deployment, release: ReleasePolicy, record: CatalogRecord, *, folder: Path, broken_shapes: int
) -> None:
    """Judge what is about to be published by the rules of that stage, and keep the verdicts.

    Args:
        deployment: Zones, keys and day.
        release: Its policy.
        record: The catalog record that will be shown.
        folder: The signed package; it is not there for controlled rows.
        broken_shapes: Violations of the record's shapes.

    Raises:
        DataError: `data.rule-broken`: a rule is not kept; nothing may be published.
    """
    bodies = {name: json.loads(path.read_text("utf-8")) for name in _DOCUMENTS if (path := folder / name).exists()}
    statement = bodies.get("manifest.json", {}).get("statement", {})
    checks = [
        *record_checks(release, record, broken_shapes=broken_shapes, exact_outputs=_exact_outputs(deployment, release)),
        *restorable_checks(bodies, {}, secrets=_secrets(deployment, release)),
        *custody_checks(_files(deployment.settings.home)),
        *_consent(deployment, release),
    ]
    if bodies:
        checks += label_checks(release, statement.get("label"), on=deployment.settings.on)
    _keep(deployment, release.id, PUBLISHED, checks)


def refuse_unlabelled(deployment: Deployment, release: ReleasePolicy) -> None:
    """Refuse to give data out whose items are not public yet, or whose recipient would not be told what they are.

    Raises:
        DataError: `data.rule-broken`, naming APPI-27 or APPI-28.
    """
    label = release.publication.label_ja if release.publication else None
    refuse_failed(label_checks(release, label, on=deployment.settings.on), where=f"{EXTRACTED}/{release.id}")


def prove_extracted(deployment: Deployment, release: ReleasePolicy, extract: Extract) -> None:
    """Judge a delivery by the rules of that stage, and keep the verdicts under the permit's id.

    Raises:
        DataError: `data.rule-broken`: the delivery is not on record as it must be.
    """
    permit = deployment.desk.permit(extract.permit_id)
    checks = delivery_checks(
        release,
        permit,
        events=deployment.audit.events(subject=permit.id),
        statement=extract.manifest.statement,
        remembered=len(deployment.store.extracts(permit.id)),
        on=deployment.settings.on,
    )
    _keep(
        deployment, release.id, f"{EXTRACTED}-{permit.id}", [*checks, *custody_checks(_files(deployment.settings.home))]
    )


def _keep(deployment: Deployment, release: str, note: str, checks: list[CheckResult]) -> None:
    stage = note.partition("-")[0]
    refuse_failed(checks, where=f"{stage}/{release}")
    version = deployment.zones.require(Stage.VALIDATED, release)
    deployment.zones.note(version, note, {"checks": [check.as_json() for check in checks]})


def _exact_outputs(deployment: Deployment, release: ReleasePolicy) -> tuple[str, ...]:
    """Return the releases whose exact numbers are of the same people: what DP-04 wants listed."""
    drawn = set(release.datasets)
    return tuple(
        other.id
        for other in deployment.library.releases.values()
        if not isinstance(other.method, PrivateMethod) and drawn & set(other.datasets)
    )


def _secrets(deployment: Deployment, release: ReleasePolicy) -> Iterator[bytes]:
    for name in release.datasets:
        project = deployment.library.dataset(name).project
        yield deployment.keys.secret(KeyKind.PSEUDONYM, project).reveal()
    if isinstance(release.method, PrivateMethod):
        yield deployment.keys.secret(KeyKind.BOUNDING, release.method.budget.population).reveal()


def _files(home: Path) -> Iterator[PurePosixPath]:
    for name in ("zones", "outbox"):
        for path in (home / name).rglob("*"):
            if not path.is_dir():
                yield PurePosixPath(path.relative_to(home).as_posix())


def _consent(deployment: Deployment, release: ReleasePolicy) -> Iterator[CheckResult]:
    engine = deployment.engine()
    for name in release.datasets:
        dataset = deployment.library.dataset(name)
        key = PseudonymKey(deployment.keys.secret(KeyKind.PSEUDONYM, dataset.project).reveal())
        register = _register(deployment, name, engine)
        people = _people(deployment, dataset)
        yield from publication_consent_checks(dataset, people, register, key=key, on=deployment.settings.on)


def _people(deployment: Deployment, dataset: DatasetPolicy) -> set[str]:
    """Return the pseudonyms of everybody in a dataset's pseudonymized tables; one column of each is read."""
    version = deployment.zones.require(Stage.PSEUDONYMIZED, dataset.id)
    people: set[str] = set()
    for table in dataset.tables:
        person = table.person_key
        if person is not None and table.name in version.tables:
            column = deployment.zones.arrow(version, table.name, columns=[person]).column(person)
            people.update(str(one) for one in column.unique().to_pylist())
    return people


def _register(deployment: Deployment, name: str, engine: object) -> RegisterTable | None:
    dataset = deployment.library.dataset(name)
    if dataset.consent.register_ is None:
        return None
    version = deployment.zones.require(Stage.CLASSIFIED, name)
    policy = dataset.table(dataset.consent.register_.table)
    if policy is None or policy.name not in version.tables:
        return None
    return RegisterTable(policy, deployment.zones.rows(version, policy.name, engine=engine))
