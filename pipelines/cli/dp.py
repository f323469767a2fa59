"""`niji dp …`: a researcher's question for noisy numbers: what it would cost, and its answer.

The operator of the command line runs both, and gives answers on; a plan charges nothing and draws nothing.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from policies.errors import DataError, ExitCode, Place
from policies.sentences import Language, say

if TYPE_CHECKING:
    from catalog.dp_questions import Question

HOME = Path(".niji")
Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment's folder.")]
Policies = Annotated[Path | None, typer.Option(help="The folder of policy files.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The question (JSON).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Spoken = Annotated[Language, typer.Option(help="The language of the words.")]

app = typer.Typer(no_args_is_help=True, help="Researchers' questions, answered with noise from the privacy account.")


@app.command(epilog="Example: niji dp plan question.json --policies policies")
def plan(
    file: File, home: Home = HOME, policies: Policies = None, language: Spoken = "ja", as_json: AsJson = False
) -> None:
    """Say what a question would cost, the error to expect and what would remain. Exit 13 if an account is short."""
    from pipelines.cli.budget_plan import show
    from pipelines.cli.catalog_home import open_desk
    from pipelines.cli.policy.dry_run import open_for_reading
    from pipelines.dp_answers import foresee_question

    question = read_question(file)
    deployment, release = open_for_reading(question.release, home=home, policies=policies, landing=None, on=None)
    researcher = open_desk(home).request(question.request).form.applicant
    planned, foreseen = foresee_question(deployment, question, researcher=researcher)
    errors = {query.name: query.error_95 for query in planned.queries}
    body: dict[str, object] = {"release": release, "population": planned.population, "epsilon": planned.epsilon}
    body |= {"delta": str(planned.delta), "errors_95": errors}
    if as_json:
        typer.echo(json.dumps({**body, **foreseen.as_json()}, ensure_ascii=False, indent=2))
    else:
        show(body, foreseen, language)
    if foreseen.short:
        raise typer.Exit(int(ExitCode.BUDGET))


@app.command(epilog="Example: niji dp answer question.json --json")
def answer(
    file: File, home: Home = HOME, policies: Policies = None, language: Spoken = "ja", as_json: AsJson = False
) -> None:
    """Answer a question under its approved request; one that was answered costs nothing. Exit 13 if an account is short."""
    from pipelines.deployment import open_deployment
    from pipelines.dp_answers import answer_question
    from pipelines.settings import load_settings

    question = read_question(file)
    found = answer_question(open_deployment(load_settings(home, policies=policies)), question)
    if as_json:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2))
        return
    paid = (
        ("以前の答え(費用なし)", "the earlier answer, at no cost")
        if found.is_repeated
        else ("新しい答え", "a new answer")
    )
    typer.echo(f"{say(paid, language)}: ε={found.plan.epsilon:g}, δ={found.plan.delta}")
    for cell in found.cells:
        typer.echo("  ".join(f"{name}={value}" for name, value in cell.items()))


def read_question(path: Path) -> "Question":
    """Read a question.

    Raises:
        DataError: The file is not a question; the places are named, their values never.
    """
    from catalog.dp_questions import Question

    try:
        return Question.model_validate_json(path.read_bytes())
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in one["loc"]) for one in error.errors(include_input=False)})
        what = f"the question is not in its form; see: {', '.join(places) or 'the whole file'}"
    except OSError:
        what = "the question cannot be read"
    raise DataError(
        "question.form",
        what=what,
        why="a question names a request, a release, a statistic, a table, a loss, and columns of the release",
        fix="write it as in pipelines/README.md, and save it as JSON in UTF-8",
        where=Place(str(path)),
    )
