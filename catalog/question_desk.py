"""The desk for data requests of the portal: a question filed with its request, shown to its owner, answered once permitted.

    filed → submitted → (returned | rejected) | approved: a permit → answered (`niji dp answer`) → shown to who has the code

The portal has no log-in. Who asks gets a code, shown once (`claims.py`), which opens the answer and nothing else; who the
applicant is, the officer finds out before approving, and says so (`access.VIA_PORTAL`). A request's life, permits and the
decision are those of every other request (`access.py`, `desk.py`). Not here: planning, charging, drawing.

Source: Regulation (EU) 2025/327 (EHDS) art. 69, a health data request: an answer in anonymized statistical form.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.access import VIA_PORTAL, Permit, Request, RequestForm, require_usable
from catalog.claims import Claim, no_such_claim
from catalog.desk import Desk
from catalog.dp_questions import Asked, compile_question
from catalog.question_store import FiledQuestion, QuestionStore
from catalog.sealing import armor_public_key, open_bytes, parse_public_key, seal_bytes
from policies.errors import NotPermittedError, UsageError
from policies.model import ReleasePolicy


@dataclass(frozen=True, slots=True)
class SeenQuestion:
    """A question as its owner sees it: its request as it stands, and the answer while the permit holds."""

    filed: FiledQuestion
    request: Request
    answer: Mapping[str, Any] | None
    is_usable: bool


@dataclass(frozen=True, slots=True)
class QuestionDesk:
    """Requests and questions, used together."""

    desk: Desk
    questions: QuestionStore

    def file(
        self, form: Mapping[str, Any], asked: Asked, release: ReleasePolicy, *, claim: Claim, on: date
    ) -> FiledQuestion:
        """File a data request for a question: the request is submitted, the question waits for its approval.

        Args:
            form: What the applicant wrote, but release, version, kind of answer and key, which follow from the question.
            asked: The question.
            release: The published policy of its release.
            claim: The code that the applicant is given; the answer will be sealed to it.
            on: Today.

        Raises:
            ValidationError: The form is not filled in; its values are not repeated.
            PolicyError: The release does not let this be asked; nothing was filed.
        """
        compile_question(asked, release)
        about = {"release": release.id, "release_version": release.version, "answer": "statistics"}
        key = armor_public_key(claim.public_key)
        request_form = RequestForm.model_validate({**form, **about, "recipient_public_key": key})
        request = self.desk.submit(request_form, on=on, comment=VIA_PORTAL)
        return self._add(request, asked, claim, on=on)

    def file_further(self, asked: Asked, release: ReleasePolicy, *, claim: Claim, on: date) -> FiledQuestion:
        """File one more question under the permit that the owner of a code has.

        Raises:
            NotPermittedError: The code opens nothing, or its permit does not hold today for this release and version.
            PolicyError: The release does not let this be asked; nothing was filed.
        """
        request = self.permitted(claim, release, on=on)
        compile_question(asked, release)
        return self._add(request, asked, claim, on=on)

    def permitted(self, claim: Claim, release: ReleasePolicy, *, on: date) -> Request:
        """Return the request of a code whose permit holds today for a release.

        Raises:
            NotPermittedError: There is none.
        """
        for request in self._requests(claim).values():
            if request.permit is not None and _is_for(request.permit, release):
                require_usable(request.permit, on=on)
                return request
        raise NotPermittedError(
            "question.no-permit",
            what="no request of this code is approved for this version of the release",
            why="questions are answered under a request that a compliance officer approved",
            fix="wait for the decision, or file a request with the question",
        )

    def seen(self, claim: Claim, *, on: date) -> tuple[SeenQuestion, ...]:
        """Return the questions of a code, oldest first; an answer only while its permit holds.

        Raises:
            NotPermittedError: The code opens no question.
            IntegrityError: A stored answer was altered.
        """
        requests = self._requests(claim)
        return tuple(_seen(one, requests[one.request_id], claim, on=on) for one in self._filed(claim))

    def deliver(self, question_id: str, answer: Mapping[str, object], *, on: date) -> None:
        """Seal an answer to the owner of its question, and store it."""
        filed = self.filed(question_id)
        owner = parse_public_key(self.desk.request(filed.request_id).form.recipient_public_key)
        body = json.dumps(answer, ensure_ascii=False).encode("utf-8")
        self.questions.answer(question_id, seal_bytes(body, recipient=owner), on=on)

    def filed(self, question_id: str) -> FiledQuestion:
        """Return a question, or refuse.

        Raises:
            UsageError: There is none of that id.
        """
        found = self.questions.question(question_id)
        if found is None:
            raise UsageError(
                "question.unknown",
                what="there is no such question",
                why="its id is not in the catalog's store",
                fix="see `niji dp list` for what was filed",
            )
        return found

    def _add(self, request: Request, asked: Asked, claim: Claim, *, on: date) -> FiledQuestion:
        filed = FiledQuestion(f"question-{on.year}-{secrets.token_hex(4)}", request.id, claim.owner, asked, on)
        told = {"question": filed.id, "release": asked.release}
        self.desk.audit.append(actor=request.form.applicant, action="question.filed", subject=request.id, details=told)
        self.questions.add(filed)
        return filed

    def _filed(self, claim: Claim) -> tuple[FiledQuestion, ...]:
        found = self.questions.of_owner(claim.owner)
        if not found:
            raise no_such_claim()
        return found

    def _requests(self, claim: Claim) -> dict[str, Request]:
        return {one.request_id: self.desk.request(one.request_id) for one in self._filed(claim)}


def _is_for(permit: Permit, release: ReleasePolicy) -> bool:
    return (permit.release, permit.release_version) == (release.id, release.version)


def _seen(filed: FiledQuestion, request: Request, claim: Claim, *, on: date) -> SeenQuestion:
    is_usable = request.permit is not None
    try:
        if request.permit is not None:
            require_usable(request.permit, on=on)
    except NotPermittedError:
        is_usable = False
    answer = None
    if is_usable and filed.sealed_answer is not None:
        answer = json.loads(open_bytes(filed.sealed_answer, secret_key=claim.secret_key))
    return SeenQuestion(filed, request, answer, is_usable)
