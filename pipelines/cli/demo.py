"""`niji demo`: make the demo hospital and its genome cohort, take them the whole way, deliver one permit's extract."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.run import HOME, AsJson, Home, run_shown, show_report

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.settings import Settings

MIN_PEOPLE = 500


def demo(
    people: Annotated[int, typer.Option(min=MIN_PEOPLE, help="Patients of the hospital.")] = 5000,
    seed: Annotated[int, typer.Option(help="The seed; the same seed makes the same hospital.")] = 20261123,
    only_generate: Annotated[
        bool, typer.Option("--only-generate", help="Only write the hospital's files, in blocks; run nothing.")
    ] = False,
    home: Home = HOME,
    as_json: AsJson = False,
) -> None:
    """Make a demo hospital and genome cohort, run everything, publish five releases, deliver one sealed extract."""
    from pipelines.demo.permit import deliver_demo_extract
    from pipelines.demo.question import write_demo_question
    from pipelines.deployment import open_deployment
    from pipelines.settings import load_settings

    settings = load_settings(home)
    generate_once(settings, people=people, seed=seed)
    if only_generate:
        typer.echo(f"the hospital's files are in {settings.landing}")
        return
    sign_as_demo(settings)
    report = run_shown(settings, [])
    deployment = open_deployment(settings)
    extract = deliver_demo_extract(deployment)
    question = write_demo_question(deployment, extract.public_key.read_text("ascii"))
    show_report(report, as_json=as_json)
    if as_json:
        return
    shown = _relative(extract.folder)
    at = "" if home == HOME else f" --home {home}"
    typer.echo(f"\nOne permit's sealed extract: {shown} ({extract.files} files, manifest verified)")
    typer.echo("Where to look next:")
    typer.echo(f"  niji serve{at}                  Dagster UI and portal")
    typer.echo(f"  niji catalog search 入院{at}    find a release")
    typer.echo(f"  niji budget show{at}            what the differentially private release cost")
    typer.echo(
        f"  niji dp plan {_relative(question)}{at}    what a researcher's question would cost; then niji dp answer"
    )
    typer.echo(f"  niji extract open {shown} --key {_relative(extract.secret_key)} --out opened{at}")


def sign_as_demo(settings: "Settings") -> None:
    """Let the demo persons sign what is not signed, and say on standard error who they are."""
    from rich.console import Console

    from pipelines.demo.approve import DEMO_SIGNERS, approve_all

    signed = approve_all(settings)
    if signed:
        people = ", ".join(f"{person} ({role.en})" for role, person in DEMO_SIGNERS.items())
        Console(stderr=True, soft_wrap=True).print(
            f"{len(signed)} policies signed by four demo persons, who are nobody: {people}", markup=False
        )


def generate_once(settings: "Settings", *, people: int, seed: int) -> None:
    """Make the hospital's files, unless the same hospital is there already.

    Raises:
        UsageError: Another hospital is there.
    """
    from rich.console import Console

    from pipelines.demo.generate import TRUTH, generate_hospital
    from policies.errors import Place, UsageError

    truth = settings.landing / TRUTH
    if truth.exists():
        known = json.loads(truth.read_text("utf-8"))
        if (known["people"], known["seed"]) == (people, seed):
            return
        raise UsageError(
            "demo.other-hospital",
            what=f"the landing folder holds a demo hospital of {known['people']} people, seed {known['seed']}",
            why="what is published already was made from it, and a published version never changes",
            fix="use another folder with --home, or the same --people and --seed",
            where=Place(str(truth)),
        )
    console = Console(stderr=True)
    generate_hospital(
        settings.landing,
        people=people,
        samples=min(1000, people // 5),
        seed=seed,
        progress=lambda stage, done, total: (
            console.print(f"making {stage}: {done:,} of {total:,}", markup=False) if done == total else None
        ),
    )


def _relative(path: "Path") -> "Path":
    from pathlib import Path

    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
