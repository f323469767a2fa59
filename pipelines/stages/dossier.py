"""The dossier of a release, gathered from a deployment and written beside its package; once a version, never changed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from anonymization.evidence import Evidence
from catalog.approvals import REGISTER
from catalog.dossier import Approvals, PolicyEntry, SignatureEntry, Term
from catalog.dossier_build import Charged, Consented, Facts, assemble
from catalog.dossier_folder import Contents, folder_of_dossier, write_dossier
from catalog.dossier_verify import verify_dossier
from catalog.keys import KeyKind
from catalog.ledger_entries import LedgerEntry
from catalog.ledger_scopes import lifetime_scope, rho_text
from catalog.manifest import MANIFEST, Manifest
from catalog.records import CatalogRecord
from pipelines.deployment import CODE_VERSION, Deployment
from pipelines.stages.answers import Policies, signed_statements
from pipelines.stages.rule_evidence import stage_checks
from pipelines.storage import Stage, Version
from policies.answers import RuleAnswer
from policies.canonical import canonical_json, digest, digests, library_digest
from policies.explain import page_of
from policies.library import PolicyKind, PolicyLibrary
from policies.model import DatasetPolicy, ReleasePolicy
from policies.model.hierarchy import FileLevels
from policies.model.method import PrivateMethod
from policies.model.strictness import Text
from policies.pages import as_html, as_text
from policies.roles import Role
from policies.sentences import Language


def dossier_folder(deployment: Deployment, release: ReleasePolicy) -> Path:
    """Return where the dossier of a release's version lies, whether or not it is there."""
    return folder_of_dossier(deployment.settings.zones / "released", release.id, release.version)


def has_dossier(deployment: Deployment, release: ReleasePolicy) -> bool:
    """Return whether the dossier of a release's version is there; nothing is verified."""
    return (dossier_folder(deployment, release) / MANIFEST).exists()


def make_dossier(
    deployment: Deployment, release: ReleasePolicy, record: CatalogRecord, answers: Sequence[RuleAnswer]
) -> Manifest:
    """Write the dossier of a release, or verify the one that is there.

    Args:
        deployment: The deployment; the stages up to `published` were made.
        release: The release.
        record: Its catalog record, with the digest of its package.
        answers: The answer to every rule.

    Raises:
        IntegrityError: The dossier that is there was altered, or the records that it gathers do not hold.
    """
    folder = dossier_folder(deployment, release)
    if has_dossier(deployment, release):
        return verify_dossier(folder, deployment.keys.signing_keys()).manifest
    files = _policy_files(deployment.library, release)
    approvals, signed_files = _approvals(deployment, release)
    facts = _facts(deployment, release, record, answers, policies=_entries(deployment.library, release), said=approvals)
    contents = Contents(assemble(facts), {**files, **signed_files, **_sheets(deployment.library, release)})
    return write_dossier(folder, contents, deployment.keys.signer())


def _facts(
    deployment: Deployment,
    release: ReleasePolicy,
    record: CatalogRecord,
    answers: Sequence[RuleAnswer],
    *,
    policies: Sequence[PolicyEntry],
    said: Approvals,
) -> Facts:
    protected = deployment.zones.require(Stage.PROTECTED, release.id)
    return Facts(
        library=deployment.library,
        release=release,
        record=record,
        evidence=Evidence.from_json(protected.facts["evidence"]),
        answers=answers,
        checks=tuple(stage_checks(deployment, release.id)),
        consent=_consent(deployment, release),
        sources=_sources(deployment, release),
        inputs=protected.inputs,
        charged=_charged(deployment, release, protected),
        keys=_keys(deployment, release),
        policies=policies,
        policies_digest=library_digest(deployment.library, release=release.id),
        approvals=said,
        code_version=CODE_VERSION,
        on=deployment.settings.on,
        built_at=datetime.now(UTC).replace(microsecond=0),
    )


def _consent(deployment: Deployment, release: ReleasePolicy) -> dict[str, Consented]:
    found = {}
    for name in release.datasets:
        version = deployment.zones.current(Stage.CONSENTED, name)
        if version is not None:
            found[name] = Consented(version.facts.get("people_in"), version.facts.get("people_out"))
    return found


def _sources(deployment: Deployment, release: ReleasePolicy) -> dict[str, str]:
    """One digest a dataset over all its files; single digests of small registers could be guessed."""
    found = {}
    for name in release.datasets:
        raw = deployment.zones.current(Stage.RAW, name)
        if raw is not None:
            found[name] = digest(raw.facts["sources"])
    return found


def _charged(deployment: Deployment, release: ReleasePolicy, protected: Version) -> Charged | None:
    charge = protected.facts.get("charge")
    if charge is None or not isinstance(release.method, PrivateMethod):
        return None
    population = release.method.budget.population
    entries = [one for one in deployment.ledger.history() if one.body.get("charge_id") == charge["id"]]
    return Charged(
        charge_id=charge["id"],
        rho_cap=rho_text(deployment.ledger.show(population).cap_micro),
        rho_charged=rho_text(sum(_amount(one, lifetime_scope(population)) for one in entries)),
        entry_digests=tuple(one.digest for one in entries),
    )


def _amount(entry: LedgerEntry, scope: str) -> int:
    scopes = entry.body.get("scopes")
    amount = scopes.get(scope, 0) if isinstance(scopes, dict) else 0
    return amount if isinstance(amount, int) else 0


def _keys(deployment: Deployment, release: ReleasePolicy) -> list[tuple[str, str]]:
    """The keys that this release rests on, by kind and name; keys of other projects are none of its business."""
    projects = {deployment.library.dataset(name).project for name in release.datasets}
    method = release.method
    populations = {method.budget.population} if isinstance(method, PrivateMethod) else set()
    wanted = {KeyKind.PSEUDONYM: projects, KeyKind.BOUNDING: populations}
    return [
        (kind.value, name)
        for kind, name in sorted(deployment.keys.names())
        if kind not in {KeyKind.PSEUDONYM, KeyKind.BOUNDING} or name in wanted[kind]
    ]


def _entries(library: PolicyLibrary, release: ReleasePolicy) -> tuple[PolicyEntry, ...]:
    found = []
    for name, value in digests(library, release=release.id).items():
        kind, policy = name.split("/", 1)
        levels = _levels_of(library, PolicyKind(kind), policy)
        found.append(
            PolicyEntry(
                kind=kind,
                id=policy,
                digest=value,
                path=f"policies/{kind}.{policy}.json",
                levels_path=f"policies/{kind}.{policy}.levels{levels.suffix}" if levels else None,
            )
        )
    return tuple(found)


def _policy_files(library: PolicyLibrary, release: ReleasePolicy) -> dict[str, bytes]:
    files = {}
    for entry in _entries(library, release):
        files[entry.path] = _canonical(library, PolicyKind(entry.kind), entry.id)
        levels = _levels_of(library, PolicyKind(entry.kind), entry.id)
        if levels is not None and entry.levels_path is not None:
            files[entry.levels_path] = levels.read_bytes()
    return files


def _canonical(library: PolicyLibrary, kind: PolicyKind, name: str) -> bytes:
    if kind is PolicyKind.SUITE:
        return canonical_json(library.suite(name))
    models: Mapping[PolicyKind, Mapping[str, object]] = {
        PolicyKind.DATASET: library.datasets,
        PolicyKind.RELEASE: library.releases,
        PolicyKind.HIERARCHY: library.hierarchies,
        PolicyKind.RULEPACK: library.rulepacks,
    }
    return canonical_json(models[kind][name])  # type: ignore[arg-type]  # each of the four holds policy models


def _levels_of(library: PolicyLibrary, kind: PolicyKind, name: str) -> Path | None:
    if kind is not PolicyKind.HIERARCHY:
        return None
    levels = library.hierarchy(name).levels
    return library.file_of(kind, name).parent / levels.path if isinstance(levels, FileLevels) else None


def _sheets(library: PolicyLibrary, release: ReleasePolicy) -> dict[str, bytes]:
    """The release and its datasets as they are explained to who signs, as text and as a page, in both languages."""
    policies: tuple[ReleasePolicy | DatasetPolicy, ...] = (
        release,
        *(library.dataset(name) for name in release.datasets),
    )
    files: dict[str, bytes] = {}
    titles: tuple[tuple[Language, str], ...] = (("ja", release.title.ja), ("en", release.title.en))
    for language, title in titles:
        pages = [page_of(policy, library, language=language) for policy in policies]
        files[f"sheet.{language}.txt"] = "\n\n".join(as_text(page) for page in pages).encode("utf-8")
        files[f"sheet.{language}.html"] = as_html(pages, title=title, language=language).encode("utf-8")
    return files


def _approvals(deployment: Deployment, release: ReleasePolicy) -> tuple[Approvals, dict[str, bytes]]:
    """Return who signed, and the signed records with the register of signers as they lie in the home."""
    statements = signed_statements(deployment, release)
    signatures = tuple(
        SignatureEntry(
            kind=kind.value,
            policy=name,
            role=Term.of(said.role),
            signer=said.by,
            key_id=said.key_id,
            on=said.on,
            digest=said.digest,
            accepted=tuple(hold.rule for hold in said.accepted_holds),
        )
        for (kind, name), each in statements.items()
        for said in each
    )
    is_signed = all({said.role for said in each} == set(Role) for each in statements.values())
    return Approvals(is_signed=is_signed, said=_said(is_signed), signatures=signatures), _records(
        deployment, statements
    )


def _said(is_signed: bool) -> Text:
    if is_signed:
        return Text(
            ja="公開ポリシーと使用データセットは、起案者・データスチュワード・コンプライアンス担当・鍵管理者の4名がそれぞれの鍵で署名した。",
            en="The release policy and the datasets it draws on are each signed by four people with keys of their own: "
            "author, data steward, compliance officer and key custodian.",
        )
    return Text(
        ja="ポリシーに必要な署名がそろっていない(起案者・データスチュワード・コンプライアンス担当・鍵管理者)。",
        en="The policies are not signed by all who must: author, data steward, compliance officer, key custodian.",
    )


def _records(deployment: Deployment, statements: Mapping[Policies, object]) -> dict[str, bytes]:
    home, book = deployment.settings.home, deployment.approvals.book
    paths = [home / REGISTER, *(book.path_of(kind, name) for kind, name in statements)]
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in paths if path.exists()}
