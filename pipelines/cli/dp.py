"""`niji dp …`: a researcher's question for noisy numbers: what it would cost, and its answer.

A question is a file, or one that was filed in the portal, by its id. The operator of the command line gives the answer to a
file on; that to a filed question is sealed to who asked, and not printed. A plan charges nothing and draws nothing.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from policies.errors import DataError, ExitCode, Place
from policies.sentences import Language, say

if TYPE_CHECKING:
    from catalog.dp_questions import Question
    from catalog.question_desk import QuestionDesk
    from catalog.question_store import FiledQuestion

HOME = Path(".niji")
Home = Annotated[Path, typer.Option(envvar="NIJI_HOME", help="The deployment's folder.")]
Policies = Annotated[Path | None, typer.Option(help="The folder of policy files.")]
Target = Annotated[str, typer.Argument(metavar="FILE|QUESTION", help="The question (JSON), or the id of a filed one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Spoken = Annotated[Language, typer.Option(help="The language of the words.")]

FILED = re.compile(r"^question-[0-9]{4}-[0-9a-f]{8}$")

app = typer.Typer(no_args_is_help=True, help="Researchers' questions, answered with noise from the privacy account.")


@app.command(epilog="Example: niji dp plan question.json --policies policies")
def plan(
    target: Target, home: Home = HOME, policies: Policies = None, language: Spoken = "ja", as_json: AsJson = False
) -> None:
    """Say what a question would cost, the error to expect and what would remain. Exit 13 if an account is short."""
    from pipelines.cli.budget_plan import show
    from pipelines.cli.catalog_home import open_desk
    from pipelines.cli.policy.dry_run import open_for_reading
    from pipelines.dp_answers import foresee_question

    question = _question(target, home)
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
    target: Target, home: Home = HOME, policies: Policies = None, language: Spoken = "ja", as_json: AsJson = False
) -> None:
    """Answer a question under its approved request; one that was answered costs nothing. Exit 13 if an account is short."""
    from pipelines.deployment import open_deployment
    from pipelines.dp_answers import answer_filed, answer_question
    from pipelines.settings import load_settings

    question = None if FILED.match(target) else read_question(Path(target))
    deployment = open_deployment(load_settings(home, policies=policies))
    if question is None:
        charged = answer_filed(deployment, target).as_json()["rho_charged"]
        _show_sealed(target, str(charged), language, as_json=as_json)
        return
    found = answer_question(deployment, question)
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
        typer.echo("  ".join(f"{name}={_figure(value)}" for name, value in cell.items()))


def _figure(value: object) -> object:
    return f"{value:.5g}" if isinstance(value, float) else value


@app.command("list", epilog="Example: niji dp list")
def list_(home: Home = HOME, language: Spoken = "ja", as_json: AsJson = False) -> None:
    """List the questions that were filed in the portal: under which request, how that stands, whether answered."""
    desk = _desk(home)
    rows = [_listed(desk, one) for one in desk.questions.questions()]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        typer.echo("  ".join(str(row[name]) for name in ("question", "asked_on", "request", "state", "release", "rho")))
    if not rows:
        typer.echo(say(("質問はまだありません", "Nothing was asked yet"), language))


def _desk(home: Path) -> "QuestionDesk":
    from catalog.question_desk import QuestionDesk
    from catalog.question_store import QuestionStore
    from pipelines.cli.catalog_home import open_desk

    return QuestionDesk(open_desk(home), QuestionStore.open(home / "catalog.sqlite"))


def _listed(desk: "QuestionDesk", one: "FiledQuestion") -> dict[str, object]:
    state = desk.desk.request(one.request_id).state.value
    return {
        "question": one.id,
        "asked_on": one.asked_on.isoformat(),
        "request": one.request_id,
        "state": state if one.answered_on is None else "answered",
        "release": one.asked.release,
        "rho": one.asked.rho,
        "asked": one.asked.model_dump(mode="json", exclude_none=True),
        "answered_on": one.answered_on.isoformat() if one.answered_on else None,
    }


def _question(target: str, home: Path) -> "Question":
    return _desk(home).filed(target).question if FILED.match(target) else read_question(Path(target))


def _show_sealed(question: str, charged: str, language: Language, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"question": question, "is_sealed": True, "rho_charged": charged}))
        return
    told = (
        f"答えは質問者の鍵で封をし、ポータルに置きました。払った損失: ρ = {charged}",
        f"The answer is sealed to who asked, and lies in the portal. Charged: rho = {charged}",
    )
    typer.echo(say(told, language))


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
