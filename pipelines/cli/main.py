"""`niji`: the command line. Nouns then verbs; heavy libraries are imported inside the command that needs them."""

import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn

import typer

from pipelines.cli import (
    anonymize,
    audit,
    budget,
    catalog,
    demo,
    dossier,
    dp,
    extract,
    genome,
    hierarchy,
    perturb,
    policy,
    request,
    risk,
    run,
    serve,
)
from pipelines.stages.guard import coded
from policies.errors import NijiError

_INTERRUPTED = 130

app = typer.Typer(
    name="niji",
    help="Privacy-preserving secondary use of genome and clinical data. ゲノム・診療データの安全な二次利用。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 done, 2 usage, 10 policy refused, 11 data refused, 12 not permitted, 13 budget, 14 integrity.",
)
app.command(epilog="Example: niji demo --people 5000")(demo.demo)
app.command(name="run", epilog="Examples: niji run  ·  niji run admissions-anonymized --json")(run.run)
app.command(epilog="Example: niji serve --portal-port 8000")(serve.serve)
app.command(epilog="Example: niji doctor")(run.doctor)
app.add_typer(policy.app, name="policy")
app.command(
    epilog="Examples: niji anonymize table.csv --output out.csv --quasi age,sex,zip --hierarchies hierarchies --k 5  ·  "
    "niji anonymize table.csv --output out.csv --quasi age,sex,zip --hierarchies hierarchies --k 5 --l diagnosis=3 "
    "--person patient --recoding local --suppression-limit 0.01 --utility --evidence evidence.json"
)(anonymize.anonymize)
app.command(epilog=perturb.EPILOG)(perturb.perturb)
app.command(epilog=risk.EXAMPLES)(risk.risk)
app.add_typer(hierarchy.app, name="hierarchy")
app.add_typer(budget.app, name="budget")
app.add_typer(dp.app, name="dp")
app.add_typer(genome.app, name="genome")
app.add_typer(catalog.app, name="catalog")
app.add_typer(request.app, name="request")
app.add_typer(extract.app, name="extract")
app.add_typer(audit.app, name="audit")
app.add_typer(dossier.app, name="dossier")


def main() -> NoReturn:
    """Run the command; an error that people can mend is printed and sets the exit code."""
    try:
        app()
    except NijiError as error:
        fail(error)
    except SystemExit as done:
        # Typer ends the process itself, with the command's own exit code; its 130 is Ctrl-C.
        if done.code == _INTERRUPTED:
            sys.stderr.write("interrupted; nothing half-written is left\n")
        raise
    except Exception as error:  # noqa: BLE001 - the last boundary: a traceback shows the text of errors, which may quote a value
        fail(coded(error, where=" ".join(("niji", *sys.argv[1:2]))))
    sys.exit(0)


def fail(error: NijiError) -> NoReturn:
    """Print an error on standard error, as JSON where the command was asked for JSON, and exit with its code."""
    if _wants_json(sys.argv):
        sys.stderr.write(json.dumps({"error": error.as_json()}, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(f"{error}\n")
    sys.exit(int(error.exit_code))


def _wants_json(words: Sequence[str]) -> bool:
    pairs = pairwise(words)
    return "--json" in words or "--format=json" in words or ("--format", "json") in pairs
