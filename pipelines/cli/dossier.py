"""`niji dossier …`: build, show, verify and hand out the evidence pack of a release."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.catalog_home import DEFAULT_HOME, Home, Json, print_json
from policies.errors import UsageError
from policies.sentences import Language

if TYPE_CHECKING:
    from catalog.dossier import Dossier, RuleEntry
    from catalog.records import CatalogRecord

app = typer.Typer(help="The signed evidence pack of a release: build, show, verify, export.", no_args_is_help=True)

Release = Annotated[str, typer.Argument(metavar="RELEASE", help="The id of a published release.")]
Version = Annotated[str | None, typer.Option(help="The version; the newest published one if not given.")]


@app.command(epilog="Example: niji dossier build admissions-anonymized")
def build(release: Release, as_json: Json = False, home: Home = DEFAULT_HOME) -> None:
    """Build the dossier of a published release that has none yet; verify the one that is there."""
    from catalog.store import require_record
    from pipelines.deployment import open_deployment
    from pipelines.settings import load_settings
    from pipelines.stages.answers import answers_of
    from pipelines.stages.dossier import dossier_folder, make_dossier

    deployment = open_deployment(load_settings(home))
    policy = deployment.library.release(release)
    record = require_record(deployment.store, release)
    _refuse_other_policy(record, policy.version)
    manifest = make_dossier(deployment, policy, record, answers_of(deployment, policy))
    folder = dossier_folder(deployment, policy)
    if as_json:
        print_json({"folder": str(folder), "manifest": manifest.digest, "files": len(manifest.files)})
        return
    typer.echo(f"{folder}\n{len(manifest.files)} files, manifest {manifest.digest}, signed by {manifest.key_id}")


@app.command(
    epilog="Examples: niji dossier show admissions-anonymized  ·  niji dossier show cohort-frequencies --language en"
)
def show(
    release: Release,
    version: Version = None,
    language: Annotated[Language, typer.Option(help="The language of the answers.")] = "ja",
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Print the answer to every rule: kept or not, how that is known, where it can be looked up."""
    from catalog.dossier_folder import read_dossier

    dossier = read_dossier(_folder(home, release, version))
    if as_json:
        typer.echo(dossier.as_json().decode("utf-8"), nl=False)
        return
    for line in _lines(dossier, language):
        typer.echo(line)


@app.command(
    epilog="Examples: niji dossier verify FOLDER --key platform-public.pem  ·  niji dossier verify FOLDER --json"
)
def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The dossier's folder; unpack a zip file first.")],
    key: Annotated[
        list[Path] | None,
        typer.Option(help="The platform's public key (PEM), as it reached you by another way; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a dossier off-line: every byte, the policies' digests, the signatures of people. Exit 14 if altered."""
    from catalog.dossier_verify import as_json as body_of
    from catalog.dossier_verify import verify_dossier
    from catalog.keys import read_public_key

    keys = [read_public_key(path) for path in key] if key else None
    verified = verify_dossier(folder, {one.key_id: one for one in keys} if keys else None)
    if as_json:
        print_json(body_of(verified))
        return
    subject, manifest = verified.dossier.subject, verified.manifest
    typer.echo(f"{subject.id} {subject.version}: {len(manifest.files)} files and {verified.signatures} signatures hold")
    typer.echo(f"signed by {manifest.key_id}\nmanifest  {manifest.digest}")
    if not verified.is_key_given:
        typer.echo(
            "the key was taken from the folder itself: nothing was altered since it was signed, and whether the platform "
            "signed it is shown only with --key"
        )


@app.command(
    epilog="Examples: niji dossier export admissions-anonymized --output out  ·  niji dossier export X --output x.zip"
)
def export(
    release: Release,
    output: Annotated[Path, typer.Option(help="A new folder, or a new file that ends in .zip.")],
    version: Version = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Copy a dossier into a new folder or one zip file; to print, open dossier.ja.html or dossier.en.html in a browser."""
    import shutil

    from catalog.dossier_folder import zip_dossier

    folder = _folder(home, release, version)
    if output.exists():
        raise UsageError(
            "dossier.output-exists",
            what=f"{output} is there already",
            why="an export never mixes with what is there",
            fix="name a new folder or file with --output",
        )
    try:
        if output.suffix == ".zip":
            output.write_bytes(zip_dossier(folder))
        else:
            shutil.copytree(folder, output)
    except OSError as error:
        raise UsageError(
            "dossier.output",
            what=f"{output} cannot be written",
            why=error.strerror or "the system refused",
            fix="name a place in a folder you may write to",
        ) from None
    if as_json:
        print_json({"output": str(output)})
        return
    typer.echo(f"{output}\nto verify it elsewhere: niji dossier verify FOLDER --key platform-public.pem")
    typer.echo("to print it: open dossier.ja.html or dossier.en.html in a browser and print, or save as PDF (A4)")


def _folder(home: Path, release: str, version: str | None) -> Path:
    from catalog.dossier_folder import folder_of_dossier
    from catalog.store import require_record
    from pipelines.cli.catalog_home import open_store

    store = open_store(home)
    record = require_record(store, release)
    wanted = version or record.version
    folder = folder_of_dossier(home / "zones" / "released", record.release, wanted)
    if wanted in store.versions(record.id) and folder.is_dir():
        return folder
    raise UsageError(
        "dossier.none",
        what=f"version {wanted[:32]} of release '{record.id}' has no dossier",
        why="a dossier is built when a version is published; older versions of Niji built none",
        fix=f"run `niji dossier build {record.id}`, or name a published version",
    )


def _refuse_other_policy(record: "CatalogRecord", version: str) -> None:
    if record.version != version:
        raise UsageError(
            "dossier.other-version",
            what=f"the policy is version {version}, and {record.version} is the one published",
            why="a dossier speaks of a version that is published, with the policies that made it",
            fix="run the pipeline to publish the new version; that builds its dossier",
        )


def _lines(dossier: "Dossier", language: Language) -> list[str]:
    subject, summary = dossier.subject, dossier.summary
    title = getattr(subject.title, language)
    closed = summary.kept + summary.accepted
    words = {
        "ja": f"該当 {summary.applicable} 条項のうち確認済み {closed}、署名: {dossier.approvals.said.ja}",
        "en": f"{closed} of {summary.applicable} clauses that apply are kept; {dossier.approvals.said.en}",
    }
    lines = [f"{title}  [{subject.id} {subject.version}]", words[language], ""]
    for rule in dossier.rules:
        lines += _rule_lines(rule, language)
    return lines


def _rule_lines(rule: "RuleEntry", language: Language) -> list[str]:
    law = "" if rule.is_law else {"ja": "、法令ではない", "en": ", not law"}[language]
    cited = f"{getattr(rule.citation, language)} ({rule.confidence}{law})"
    return [
        f"{rule.id}  {getattr(rule.verdict.label, language)}  [{rule.severity.value}]",
        f"  {getattr(rule.text, language)} — {cited}",
        f"  {getattr(rule.how, language)}",
        f"  → {rule.where}",
    ]
