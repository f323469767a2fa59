"""The portal takes a question: planned for nothing, filed as a data request, answered under its permit, shown to who has its code."""

import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from catalog.access import Actor, Event, EventKind, Role, State
from catalog.claims import new_claim, read_claim
from pipelines.dp_answers import answer_filed, question_desk
from pipelines.portal import portal_of
from pipelines.run import run
from pipelines.settings import Settings
from policies.errors import NotPermittedError
from policies.vocabulary import TermsClause
from tests.support import tiny_deployment as tiny
from tests.support.one_run import one_run
from tests.support.signing import sign_policies

with warnings.catch_warnings():
    # Starlette asks for a successor of httpx that is not among the pinned packages.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

_, NUMBERS = tiny.RELEASES
HERE = f"/en/datasets/{NUMBERS}/questions"
ASKED = "table=patients&statistic=people&by=sex&rho=0.03&plan=1"
OFFICER = Actor("officer.mori", frozenset({Role.COMPLIANCE}))
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def made(folder: Path) -> None:
    settings = tiny.write_deployment(folder / "home")
    tiny.change(settings, tiny.NUMBERS, ("release_rho: '0.25'", "release_rho: '0.25', researcher_rho_cap: '0.04'"))
    sign_policies(settings)
    run(settings, selection=[NUMBERS])


@pytest.fixture
def settings(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder, _ = one_run(tmp_path_factory, "question-portal", made)
    return tiny.settings_of(Path(shutil.copytree(folder / "home", tmp_path / "home")))


@pytest.fixture
def portal(settings: Settings) -> Iterator[TestClient]:
    with TestClient(portal_of(settings.home, today=lambda: tiny.ON), follow_redirects=False) as client:
        yield client


def filled_in(settings: Settings, **changed: str) -> str:
    policy = tiny.reopened(settings).library.release(NUMBERS)
    written = {
        "applicant": "researcher.aoki",
        "institution": "北辰大学",
        "recipient": policy.recipients[0].id,
        "country": "JP",
        "purpose": "慢性腎臓病の研究",
        "benefit": "治療の改善",
        "minimum_reason": "公開の表にない",
        "safeguards": "閉域環境",
        "duo": "DUO:0000006",
        "ehds53": "e",
        "ethics_approval": "ERC-2026-1",
        "ethics_approved_on": "2026-03-31",
        "ethics_expires_on": "2030-03-31",
        "period_from": tiny.ON.isoformat(),
        "period_to": "2027-06-30",
        "security": "type2",
        **changed,
    }
    many = [("accepted_prohibitions", use) for use in policy.prohibited_uses]
    many += [("accepted_terms", clause.value) for clause in TermsClause] + [("uses", "research")]
    return urlencode([*written.items(), *many])


def spent(settings: Settings) -> int:
    return tiny.reopened(settings).ledger.show("clinic").spent_micro


def file(portal: TestClient, settings: Settings) -> tuple[str, str, str]:
    """File a question; return its id, its request's id and its code."""
    page = portal.post(f"{HERE}/ask?{ASKED}", content=filled_in(settings), headers=FORM)
    assert page.status_code == 200, page.text[:2000]
    assert page.headers["cache-control"] == "no-store"
    question, request = (re.findall(rf"{kind}-2\d\d\d-[0-9a-f]{{8}}", page.text)[0] for kind in ("question", "request"))
    return question, request, re.findall(r'class="code">([A-Z2-7-]+)<', page.text)[0]


def decide(settings: Settings, request: str, *, comment: str) -> None:
    deployment = tiny.reopened(settings)
    event = Event(EventKind.APPROVE, OFFICER, tiny.ON, comment)
    deployment.desk.decide(request, event, library=deployment.library)


def mine(portal: TestClient, code: str, language: str = "en") -> tuple[int, str]:
    page = portal.post(f"/{language}/questions", content=urlencode({"code": code}), headers=FORM)
    assert page.headers["cache-control"] == "no-store"
    return page.status_code, page.text


# --- planned for nothing


@pytest.mark.parametrize("language", ["ja", "en"])
def test_plan_says_cost_and_error_and_charges_nothing(portal: TestClient, settings: Settings, language: str) -> None:
    page = portal.get(f"/{language}/datasets/{NUMBERS}/questions?{ASKED}")
    assert page.status_code == 200
    assert "ρ = 0.03" in page.text
    assert "±8" in page.text  # σ = 1 / √(2 · 0.03) = 4.08; 1.96 times that is 8.0
    assert spent(settings) == 250_000
    assert tiny.reopened(settings).store.requests() == ()


def test_page_of_a_release_that_answers_leads_to_its_questions(portal: TestClient) -> None:
    assert f'href="{HERE}"' in portal.get(f"/en/datasets/{NUMBERS}").text


@pytest.mark.parametrize(
    "state",
    [
        "table=patients&statistic=people&by=ward&rho=0.03&plan=1",
        "table=patients&statistic=everything&rho=0.03&plan=1",
        "table=patients&statistic=people&by=sex&rho=lots&plan=1",
        "table=patients&statistic=people&where.sex=9&rho=0.03&plan=1",
    ],
)
def test_what_the_policy_does_not_offer_is_refused_in_words(portal: TestClient, state: str) -> None:
    page = portal.get(f"{HERE}?{state}")
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert "Traceback" not in page.text


def test_a_table_that_is_not_offered_is_not_there(portal: TestClient) -> None:
    assert portal.get(f"{HERE}?table=optouts").status_code == 404


# --- filed, permitted, answered, shown


def test_answer_is_shown_to_who_has_the_code_and_paid_once(portal: TestClient, settings: Settings) -> None:
    question, request, code = file(portal, settings)
    assert spent(settings) == 250_000
    with pytest.raises(NotPermittedError):
        answer_filed(tiny.reopened(settings), question)
    assert spent(settings) == 250_000
    decide(settings, request, comment="called back on the number of the university's switchboard")
    answer = answer_filed(tiny.reopened(settings), question)
    assert (answer.is_repeated, spent(settings)) == (False, 280_000)
    for language, words in (("ja", "保証すること"), ("en", "guarantee")):
        status, text = mine(portal, code, language)
        assert status == 200
        assert words in text
        assert all(str(cell["value"]) in text for cell in answer.cells)
    assert answer_filed(tiny.reopened(settings), question).is_repeated
    assert spent(settings) == 280_000


def test_stored_answer_is_sealed_to_its_owner(portal: TestClient, settings: Settings) -> None:
    question, request, code = file(portal, settings)
    decide(settings, request, comment="known in person")
    answer_filed(tiny.reopened(settings), question)
    sealed = question_desk(tiny.reopened(settings)).filed(question).sealed_answer
    assert sealed is not None
    assert sealed.startswith(b"crypt4gh")
    assert code.encode() not in (settings.home / "catalog.sqlite").read_bytes()
    assert b"error_95" not in sealed


def test_code_of_another_opens_nothing_and_tells_nothing(portal: TestClient, settings: Settings) -> None:
    _, _, code = file(portal, settings)
    for other in (new_claim().code, "no code", code[:-1] + ("A" if code[-1] != "A" else "B")):
        status, text = mine(portal, other)
        assert status == 403
        assert NUMBERS not in text
    lowered = code.lower().replace("-", " ")
    assert mine(portal, lowered)[0] == 200
    assert read_claim(lowered).owner == read_claim(code).owner


def test_approval_must_say_how_the_applicant_was_recognized(portal: TestClient, settings: Settings) -> None:
    _, request, _ = file(portal, settings)
    with pytest.raises(NotPermittedError) as refused:
        decide(settings, request, comment=" ")
    assert refused.value.code == "access.applicant-unchecked"
    assert tiny.reopened(settings).desk.request(request).state is State.SUBMITTED


def test_one_more_question_goes_under_the_permit_and_not_without(portal: TestClient, settings: Settings) -> None:
    _, request, code = file(portal, settings)
    further = f"{HERE}/further?table=patients&statistic=people&rho=0.01&plan=1"
    body = urlencode({"code": code})
    assert portal.post(further, content=body, headers=FORM).status_code == 400
    decide(settings, request, comment="known in person")
    page = portal.post(further, content=body, headers=FORM)
    assert page.status_code == 200
    assert len(question_desk(tiny.reopened(settings)).questions.questions()) == 2


# --- refused, and nothing filed


def test_form_that_is_not_filled_in_names_its_fields_and_repeats_no_value(
    portal: TestClient, settings: Settings
) -> None:
    page = portal.post(f"{HERE}/ask?{ASKED}", content=filled_in(settings, country="Japan"), headers=FORM)
    assert page.status_code in {200, 400}
    assert 'aria-invalid="true"' in page.text
    assert tiny.reopened(settings).store.requests() == ()


@pytest.mark.parametrize(
    "headers",
    [
        {**FORM, "Origin": "https://elsewhere.example"},
        {**FORM, "Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "application/json"},
    ],
)
def test_form_of_another_site_is_not_taken(portal: TestClient, settings: Settings, headers: dict[str, str]) -> None:
    page = portal.post(f"{HERE}/ask?{ASKED}", content=filled_in(settings), headers=headers)
    assert page.status_code == 400
    assert tiny.reopened(settings).store.requests() == ()


def test_question_beyond_the_quota_is_refused_when_it_is_answered(portal: TestClient, settings: Settings) -> None:
    question, request, code = file(portal, settings)
    decide(settings, request, comment="known in person")
    answer_filed(tiny.reopened(settings), question)
    body = urlencode({"code": code})
    plan = portal.post(f"{HERE}?table=patients&statistic=people&rho=0.03&plan=1", content=body, headers=FORM)
    assert "0.01" in plan.text  # what is left of the quota of 0.04
    assert spent(settings) == 280_000
