"""A researcher's question, whole way: allowed by policy and permit, charged, drawn once, stored, told again at no cost."""

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from catalog.dp_questions import Question, compile_question
from pipelines import dp_answers
from pipelines.cli.dp import app
from pipelines.deployment import Deployment
from pipelines.dp_answers import answer_question
from pipelines.run import run
from pipelines.settings import Settings
from policies.errors import BudgetError, DataError, ExitCode, NotPermittedError, PolicyError
from policies.model import ReleasePolicy
from policies.model.method import DpStatistics
from tests.support import tiny_deployment as tiny
from tests.support.signing import sign_policies

_, NUMBERS = tiny.RELEASES
QUOTA = ("release_rho: '0.25'", "release_rho: '0.25', researcher_rho_cap: '0.04'")
RESEARCHER = "population/clinic/researcher/researcher.aoki"


@pytest.fixture(scope="module")
def asked_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home whose release gives researchers 0.04, and the request that was approved there."""
    settings = tiny.write_deployment(tmp_path_factory.mktemp("questions") / "home")
    tiny.change(settings, tiny.NUMBERS, QUOTA)
    sign_policies(settings)
    run(settings, selection=[NUMBERS])
    return settings.home, tiny.approve(tiny.reopened(settings), release=NUMBERS, answer="statistics").request_id


@pytest.fixture
def settings(asked_home: tuple[Path, str], tmp_path: Path) -> Settings:
    return tiny.settings_of(Path(shutil.copytree(asked_home[0], tmp_path / "home")))


@pytest.fixture
def question(asked_home: tuple[Path, str]) -> Question:
    return asked(asked_home[1])


def asked(request: str, **changes: Any) -> Question:
    body = {"request": request, "release": NUMBERS, "statistic": "people", "table": "patients", "by": ("sex",)}
    return Question.model_validate({**body, "rho": "0.03", **changes})


def spent(settings: Settings) -> tuple[int, int]:
    """What the population and the researcher have spent."""
    view = tiny.reopened(settings).ledger.show("clinic")
    return view.spent_micro, {one.scope: one.spent_micro for one in view.accounts}.get(RESEARCHER, 0)


def actions(deployment: Deployment, request: str) -> list[str]:
    return [event.action for event in deployment.audit.events(subject=request) if event.action.startswith("question")]


# --- answered


def test_answer_is_charged_to_all_accounts_and_told_again_at_no_cost(settings: Settings, question: Question) -> None:
    first = answer_question(tiny.reopened(settings), question)
    assert spent(settings) == (280_000, 30_000)
    assert [cell["sex"] for cell in first.cells] == ["1", "2"]
    again = answer_question(tiny.reopened(settings), question)
    assert (again.cells, again.is_repeated, first.is_repeated) == (first.cells, True, False)
    assert spent(settings) == (280_000, 30_000)
    assert actions(tiny.reopened(settings), question.request) == ["question.ask", "question.answered"] * 2
    tiny.reopened(settings).ledger.verify()


def test_noisy_answer_is_near_the_truth_and_says_its_error(settings: Settings, question: Question) -> None:
    found = answer_question(tiny.reopened(settings), question)
    for cell in found.cells:
        noisy = cell["noisy"]
        assert isinstance(noisy, int)
        # 87 people take part, 43 or 44 of each sex; ten times the 95 % error is never passed.
        assert abs(noisy - 43.5) < 10 * found.plan.queries[0].error_95
    assert found.plan.charge_micro == 30_000


def test_answer_lies_encrypted(settings: Settings, question: Question) -> None:
    answer_question(tiny.reopened(settings), question)
    (stored,) = (settings.zones / "pseudonymized" / "protected").glob("question-*/*/question.parquet")
    assert b"noisy" not in stored.read_bytes()


# --- refused, and not charged


def test_quota_that_is_used_up_refuses_before_anything_is_drawn(settings: Settings, question: Question) -> None:
    answer_question(tiny.reopened(settings), question)
    with pytest.raises(BudgetError) as refused:
        answer_question(tiny.reopened(settings), question.model_copy(update={"by": ()}))
    assert refused.value.code == "budget.over-cap"
    assert spent(settings) == (280_000, 30_000)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"by": ("ward",)}, "question.unknown-key"),
        ({"by": ("sex", "sex")}, "question.unknown-key"),
        ({"table": "optouts"}, "question.unknown-table"),
        ({"statistic": "mean", "value": "ward"}, "question.unknown-statistic"),
        ({"value": "ward"}, "question.unknown-value"),
        ({"rho": "0.0"}, "question.no-loss"),
    ],
)
def test_question_outside_the_policy_is_refused_and_costs_nothing(
    settings: Settings, question: Question, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        answer_question(tiny.reopened(settings), asked(question.request, **changes))
    assert refused.value.code == code
    assert spent(settings) == (250_000, 0)


def test_release_without_a_quota_answers_nobody(settings: Settings, question: Question) -> None:
    release = tiny.reopened(settings).library.release(NUMBERS)
    for method in (silent(release), tiny.reopened(settings).library.release(tiny.RELEASES[0]).method):
        with pytest.raises(PolicyError) as refused:
            compile_question(question, release.model_copy(update={"method": method}))
        assert refused.value.code == "question.not-open"


def silent(release: ReleasePolicy) -> DpStatistics:
    if not isinstance(release.method, DpStatistics):
        raise TypeError
    budget = release.method.budget.model_copy(update={"researcher_rho_cap": None})
    return release.method.model_copy(update={"budget": budget})


@pytest.mark.parametrize("how", ["not approved", "revoked"])
def test_question_without_a_permit_that_holds_is_refused(settings: Settings, question: Question, how: str) -> None:
    from catalog.access import Actor, Event, EventKind, Role

    deployment = tiny.reopened(settings)
    if how == "revoked":
        officer = Actor("officer.mori", frozenset({Role.COMPLIANCE}))
        deployment.desk.decide(question.request, Event(EventKind.REVOKE, officer, tiny.ON, "ended"))
    else:
        form = deployment.desk.request(question.request).form
        question = asked(deployment.desk.submit(form, on=tiny.ON).id)
    with pytest.raises(NotPermittedError):
        answer_question(tiny.reopened(settings), question)
    assert spent(settings) == (250_000, 0)


def test_permit_for_statistics_gives_no_extract(settings: Settings, question: Question) -> None:
    deployment = tiny.reopened(settings)
    permit = deployment.desk.request(question.request).permit
    assert permit is not None
    with pytest.raises(NotPermittedError) as refused:
        deployment.desk.deliver(
            permit.id, package=settings.home, keys=deployment.keys, outbox=settings.home / "outbox", on=tiny.ON
        )
    assert refused.value.code == "access.statistics-only"


# --- killed


def test_run_that_dies_after_its_charge_stays_spent(
    settings: Settings, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(dp_answers, "measure", dies)
        with pytest.raises(KeyboardInterrupt):
            answer_question(tiny.reopened(settings), question)
    assert spent(settings) == (280_000, 30_000)
    with pytest.raises(BudgetError):
        answer_question(tiny.reopened(settings), question)


def test_run_that_dies_after_storing_tells_the_stored_answer(
    settings: Settings, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("catalog.ledger.Ledger.settle", dies)
        with pytest.raises(KeyboardInterrupt):
            answer_question(tiny.reopened(settings), question)
    assert answer_question(tiny.reopened(settings), question).is_repeated
    assert spent(settings) == (280_000, 30_000)


# --- compiled


def test_compiled_question_takes_everything_public_from_the_policy(settings: Settings, question: Question) -> None:
    release = tiny.reopened(settings).library.release(NUMBERS)
    method = compile_question(question, release).method
    assert isinstance(method, DpStatistics)
    assert isinstance(release.method, DpStatistics)
    (query,) = method.queries
    assert query.by == release.method.queries[0].by
    assert query.bounds == release.method.queries[0].bounds
    assert method.budget.release_rho == Decimal("0.03")


# --- on the command line


def test_commands_plan_without_a_charge_and_answer(
    settings: Settings, question: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIJI_PASSPHRASE", tiny.PASSPHRASE.reveal().decode())
    file = tmp_path / "question.json"
    file.write_text(question.model_dump_json(), "utf-8")
    words = [str(file), "--home", str(settings.home), "--policies", str(settings.policies)]
    planned = CliRunner().invoke(app, ["plan", *words, "--json"])
    assert planned.exit_code == 0, planned.exception
    body = json.loads(planned.stdout)
    assert body["rho_charged"] == "0.03"
    assert body["errors_95"]["question"] > 0
    assert spent(settings) == (250_000, 0)
    monkeypatch.setattr("pipelines.settings.load_settings", lambda *_, **__: settings)
    told = CliRunner().invoke(app, ["answer", *words, "--json"])
    assert told.exit_code == 0, told.exception
    assert json.loads(told.stdout)["rho_charged"] == "0.03"
    assert "費用なし" in CliRunner().invoke(app, ["answer", *words]).stdout
    assert "at no cost" in CliRunner().invoke(app, ["answer", *words, "--language", "en"]).stdout
    file.write_text(question.model_copy(update={"by": ()}).model_dump_json(), "utf-8")
    assert CliRunner().invoke(app, ["plan", *words]).exit_code == ExitCode.BUDGET


def test_file_that_is_no_question_is_named_by_its_places_and_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "question.json"
    file.write_text('{"release": "Secret Value", "rho": "lots"}', "utf-8")
    failed = CliRunner().invoke(app, ["plan", str(file)]).exception
    assert isinstance(failed, DataError)
    assert failed.code == "question.form"
    assert "Secret" not in str(failed)
    assert "rho" in str(failed)
