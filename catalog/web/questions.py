"""The portal's addresses for questions: plan one for nothing, file it as a data request, see the answer with one's code.

    /{language}/datasets/{id}/questions             what may be asked, and the plan of what is chosen; state in the address
    … the same, by POST with a code                 the same, with what is left to the code's owner
    /{language}/datasets/{id}/questions/ask         the data request for that question; filed by POST, which shows a code once
    /{language}/datasets/{id}/questions/further     by POST: one more question under the permit that a code's owner has
    /{language}/questions                           a code is typed here; by POST its questions and answers are shown

Nothing here touches data, draws or charges. What holds of whom: `catalog/question_desk.py`. Pages that hold a code or an
answer are not stored by browsers. Not here: what is typed (`question_forms.py`), how an answer looks (`answer_view.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from anonymization.dp.plan import DpPlan
from catalog.claims import new_claim, read_claim
from catalog.dossier_folder import folder_of_dossier
from catalog.dp_offers import Offer, offers_of
from catalog.dp_questions import Asked
from catalog.ledger_views import Forecast
from catalog.question_desk import QuestionDesk
from catalog.records import CatalogRecord
from catalog.store import CatalogStore
from catalog.web.answer_view import ShownAnswer, ShownPlan
from catalog.web.question_forms import Fields, asked_of, body_of, faults_of, query_of, request_of, state_of
from catalog.web.rendering import Language, render
from policies.canonical import digest
from policies.decision.uses import IntendedUse
from policies.errors import IntegrityError, NijiError, PolicyError
from policies.model import ReleasePolicy
from policies.model.dp_queries import ASKED_WITH
from policies.model.method import DpStatistics
from policies.vocabulary import TermsClause

_PRIVATE = {"Cache-Control": "no-store"}
_EXTRAS = frozenset({"top", "marginals", "predictors"})
State = Annotated[Fields, Depends(state_of)]
Body = Annotated[Fields, Depends(body_of)]


class Foresee(Protocol):
    """Plans a question and says what its accounts would hold after it; touches no data and charges nothing."""

    def __call__(self, asked: Asked, release: ReleasePolicy, *, researcher: str | None) -> tuple[DpPlan, Forecast]:
        """Return plan and forecast, or raise a NijiError."""
        ...


@dataclass(frozen=True, slots=True)
class Questions:
    """What the portal needs to take questions: the desk, the plans, the day."""

    desk: QuestionDesk
    foresee: Foresee
    today: Callable[[], date]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a question is asked: the record, its published policy, the table chosen."""

    record: CatalogRecord
    release: ReleasePolicy
    offers: tuple[Offer, ...]
    offer: Offer


def add_question_pages(app: FastAPI, store: CatalogStore, *, released: Path, questions: Questions) -> None:
    """Add the addresses for questions to the portal."""
    pages = _QuestionPages(store, released, questions)
    at = "/{language}/datasets/{record_id}/questions"
    for path, method, page in (
        ("/{language}/questions", "GET", pages.claim),
        ("/{language}/questions", "POST", pages.mine),
        (at, "GET", pages.plan),
        (at, "POST", pages.plan_with_code),
        (f"{at}/ask", "GET", pages.ask),
        (f"{at}/ask", "POST", pages.file),
        (f"{at}/further", "POST", pages.further),
    ):
        app.api_route(path, methods=[method, "HEAD"] if method == "GET" else [method], response_model=None)(page)


def published_policy(released: Path, record: CatalogRecord) -> ReleasePolicy | None:
    """Return the policy that a record was published under, from its dossier; None where there is none, or another."""
    file = folder_of_dossier(released, record.release, record.version) / "policies" / f"release.{record.release}.json"
    try:
        release = ReleasePolicy.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
    return release if digest(release) == record.policy_digest else None


def answers_questions(released: Path, record: CatalogRecord) -> bool:
    """Say whether a record's release answers questions."""
    release = published_policy(released, record)
    try:
        return release is not None and bool(offers_of(release))
    except PolicyError:
        return False


class _QuestionPages:
    """The pages; each method answers one address."""

    def __init__(self, store: CatalogStore, released: Path, questions: Questions) -> None:
        self.store = store
        self.released = released
        self.questions = questions

    def plan(self, language: Language, record_id: str, state: State) -> HTMLResponse:
        return self._planned(language, self._place(record_id, state), state)

    def plan_with_code(self, language: Language, record_id: str, state: State, body: Body) -> HTMLResponse:
        return self._planned(language, self._place(record_id, state), state, code=body.one("code"))

    def _planned(self, language: Language, place: _Place, state: Fields, *, code: str | None = None) -> HTMLResponse:
        context: dict[str, Any] = {"shown": None, "refused": None, "code": None, "state": state}
        if state.one("plan"):
            try:
                context["shown"] = self._plan(place, state, code)
                context["code"] = code
            except NijiError as error:
                context["refused"] = error.code
        return self._page("questions.html", language, place, context=context, state=state, is_private=code is not None)

    def _plan(self, place: _Place, state: Fields, code: str | None) -> ShownPlan:
        researcher = None
        if code is not None:
            request = self.questions.desk.permitted(read_claim(code), place.release, on=self.questions.today())
            researcher = request.form.applicant
        asked = asked_of(state, place.offer, place.release.id)
        planned, foreseen = self.questions.foresee(asked, place.release, researcher=researcher)
        return ShownPlan(asked, planned, foreseen, is_own=researcher is not None)

    def ask(self, language: Language, record_id: str, state: State) -> HTMLResponse:
        return self._asking(language, self._place(record_id, state), state, body=Fields(()), faults=())

    def file(self, language: Language, record_id: str, state: State, body: Body) -> HTMLResponse:
        place = self._place(record_id, state)
        claim = new_claim()
        try:
            asked = asked_of(state, place.offer, place.release.id)
            self.questions.foresee(asked, place.release, researcher=None)
            filed = self.questions.desk.file(
                request_of(body), asked, place.release, claim=claim, on=self.questions.today()
            )
        except ValidationError as error:
            return self._asking(language, place, state, body=body, faults=faults_of(error))
        except NijiError as error:
            return self._asking(language, place, state, body=body, faults=(), refused=error.code)
        context = {"filed": filed, "code": claim.code}
        return self._page("asked.html", language, place, context=context, state=state, is_private=True)

    def further(self, language: Language, record_id: str, state: State, body: Body) -> HTMLResponse:
        place = self._place(record_id, state)
        try:
            asked = asked_of(state, place.offer, place.release.id)
            self.questions.foresee(asked, place.release, researcher=None)
            claim = read_claim(body.one("code"))
            filed = self.questions.desk.file_further(asked, place.release, claim=claim, on=self.questions.today())
        except NijiError as error:
            context: Mapping[str, Any] = {"shown": None, "refused": error.code, "code": None, "state": state}
            return self._page("questions.html", language, place, context=context, state=state, is_private=True)
        context = {"filed": filed, "code": None}
        return self._page("asked.html", language, place, context=context, state=state, is_private=True)

    def _asking(
        self,
        language: Language,
        place: _Place,
        state: Fields,
        *,
        body: Fields,
        faults: tuple[str, ...],
        refused: str | None = None,
    ) -> HTMLResponse:
        shown = None
        try:
            shown = self._plan(place, state, None)
        except NijiError as error:
            refused = refused or error.code
        context = {"shown": shown, "refused": refused, "written": body, "faults": faults, "state": state}
        return self._page("ask.html", language, place, context=context, state=state, is_private=bool(body.pairs))

    def claim(self, language: Language) -> HTMLResponse:
        context: dict[str, Any] = {"mine": None, "refused": None, "labels": {}}
        return HTMLResponse(render("my-questions.html", language, path="/questions", context=context))

    def mine(self, language: Language, body: Body) -> HTMLResponse:
        mine, refused, status = None, None, 200
        labels: Mapping[str, Any] = {}
        try:
            seen = self.questions.desk.seen(read_claim(body.one("code")), on=self.questions.today())
            mine = tuple(ShownAnswer(one) for one in seen)
            labels = self._labels_of({one.filed.asked.release for one in seen})
        except NijiError as error:
            refused, status = error.code, _status(error)
        context: dict[str, Any] = {"mine": mine, "refused": refused, "labels": labels}
        page = render("my-questions.html", language, path="/questions", context=context)
        return HTMLResponse(page, status_code=status, headers=_PRIVATE)

    def _labels_of(self, releases: Iterable[str]) -> Mapping[str, Any]:
        records = (self.store.record(name) for name in sorted(releases))
        return {name: label for record in records if record is not None for name, label in _labels(record).items()}

    def _page(
        self,
        template: str,
        language: Language,
        place: _Place,
        *,
        context: Mapping[str, Any],
        state: Fields,
        is_private: bool,
    ) -> HTMLResponse:
        here = f"/datasets/{place.record.id}/questions"
        query = query_of(state)
        known = {
            "record": place.record,
            "release": place.release,
            "offers": place.offers,
            "offer": place.offer,
            "labels": _labels(place.record),
            "values": _values(place.offer),
            "extras": {part for name in place.offer.statistics for part in ASKED_WITH[name]} & _EXTRAS,
            "quota": _quota(place.release),
            "uses": tuple(IntendedUse),
            "terms": tuple(TermsClause),
            "first_day": self.questions.today().isoformat(),
            "here": here,
            "query": query,
        }
        page = render(template, language, path=f"{here}{query}", context={**known, **context})
        headers = _PRIVATE if is_private else None
        return HTMLResponse(page, status_code=400 if context.get("refused") else 200, headers=headers)

    def _place(self, record_id: str, state: Fields) -> _Place:
        record = self.store.record(record_id)
        release = published_policy(self.released, record) if record is not None else None
        if record is None or release is None:
            raise HTTPException(404)
        try:
            offers = offers_of(release)
        except PolicyError:
            raise HTTPException(404) from None
        wanted = state.one("table", offers[0].table)
        offer = next((offer for offer in offers if offer.table == wanted), None)
        if offer is None:
            raise HTTPException(404)
        return _Place(record, release, offers, offer)


def _status(error: NijiError) -> int:
    return 500 if isinstance(error, IntegrityError) else 403


def _values(offer: Offer) -> list[tuple[str, str]]:
    """Return the columns that may be a value, each with its public range or the ends of its edges."""
    ranges = {column: f"{edges.values[0]}–{edges.values[-1]}" for column, edges in offer.edges.items()}
    ranges |= {column: f"{clip.low}–{clip.high}" for column, clip in offer.clips.items()}
    columns = dict.fromkeys(column for name in offer.statistics for column in offer.values_for(name))
    return [(column, ranges.get(column, "")) for column in columns]


def _quota(release: ReleasePolicy) -> str:
    method = release.method
    cap = method.budget.researcher_rho_cap if isinstance(method, DpStatistics) else None
    return "" if cap is None else format(cap.normalize(), "f")


def _labels(record: CatalogRecord) -> Mapping[str, Any]:
    """Return what the output columns of a release are called, by name."""
    return {column.name: column for table in record.tables for column in table.columns}
