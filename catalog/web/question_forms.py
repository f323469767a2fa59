"""What is typed into the portal's forms for questions, read into a question and a request; nothing typed is trusted.

The state of a question is all in the address, as of a search: a plan can be kept and sent. Codes and forms come in bodies,
which are small, of this site's own pages, and never logged. Not here: addresses (`questions.py`), words (`messages.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from catalog.access import RequestForm
from catalog.dp_offers import Offer
from catalog.dp_questions import Asked
from policies.errors import PolicyError
from policies.model.dp_queries import ASKED_WITH

MAX_BODY = 64 * 1024
MAX_FIELDS = 2_000
COHORT = "where."
"""What the names of a cohort's fields begin with; the column follows."""
FIRST_RANKS = "5"
FIRST_LOSS = "0.005"

WRITTEN = (
    "applicant",
    "institution",
    "recipient",
    "country",
    "purpose",
    "benefit",
    "minimum_reason",
    "safeguards",
    "duo",
    "ehds53",
    "ethics_approval",
    "ethics_approved_on",
    "ethics_expires_on",
    "period_from",
    "period_to",
    "security",
)
"""The fields of a request that are typed or chosen once, by their names in `RequestForm`."""
MANY = ("uses", "accepted_prohibitions", "accepted_terms")
"""The fields of a request of which several may be ticked."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and values as they came, in order; `repr` shows none."""

    pairs: Sequence[tuple[str, str]]

    def __repr__(self) -> str:
        """Return a text without any value: a code may be among them."""
        return f"Fields(<{len(self.pairs)}>)"

    def one(self, name: str, default: str = "") -> str:
        """Return the first value of a name, without spaces around it."""
        return next((value.strip() for key, value in self.pairs if key == name and value.strip()), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a name, each once."""
        return tuple(dict.fromkeys(value for key, value in self.pairs if key == name))

    def has(self, name: str, value: str) -> bool:
        """Say whether a value of a name was sent."""
        return value in self.all(name)


def state_of(request: Request) -> Fields:
    """Return the fields of an address."""
    return Fields(request.query_params.multi_items()[:MAX_FIELDS])


async def body_of(request: Request) -> Fields:
    """Read the body of a form of this site.

    Raises:
        HTTPException: It comes from another site's page, is too large, or is no form.
    """
    origin, came_from = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
    is_own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    # A page elsewhere must not file in somebody's name what they did not see; there is no session to ride on, either.
    if not is_own or came_from not in {"same-origin", "none"}:
        raise HTTPException(400)
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(400)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise HTTPException(400)
    try:
        pairs = parse_qsl(body.decode("utf-8"), max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise HTTPException(400) from None
    return Fields(pairs)


def asked_of(state: Fields, offer: Offer, release: str) -> Asked:
    """Read a question from an address; what its statistic does not take is left out.

    Raises:
        PolicyError: Something in it is not in the form of a question.
    """
    statistic: str = state.one("statistic", offer.statistics[0])
    # Not one of the vocabulary: left to the model, which refuses it.
    needed = ASKED_WITH.get(statistic, frozenset())
    by = state.all("by")
    body: dict[str, Any] = {
        "release": release,
        "statistic": statistic,
        "table": offer.table,
        "by": () if "marginals" in needed else by,
        "where": _cohort(state),
        "rho": state.one("rho", FIRST_LOSS),
    }
    if needed & {"value", "outcome"}:
        body["value"] = state.one("value") or None
    if "top" in needed:
        body["top"] = state.one("top", FIRST_RANKS)
    if "marginals" in needed:
        pairs = tuple(combinations(by, 2)) if state.one("pairs") else ()
        body["marginals"] = (*((column,) for column in by), *pairs) or None
    if "predictors" in needed:
        body["predictors"] = state.all("predictor") or None
    try:
        return Asked.model_validate(body)
    except ValidationError:
        raise PolicyError(
            "question.form",
            what="the question is not in its form",
            why="only what the form offers can be asked",
            fix="choose again",
        ) from None


def query_of(state: Fields, *, also: Mapping[str, str] | None = None) -> str:
    """Return the address's question part, to be carried on to the next page."""
    kept = [(name, value) for name, value in state.pairs if value and name != "lang"]
    return "?" + urlencode([*kept, *(also or {}).items()]) if kept or also else ""


def request_of(fields: Fields) -> dict[str, Any]:
    """Return what was typed of a request, in the form's own names; empty fields are left out."""
    written = {name: value for name in WRITTEN if (value := fields.one(name))}
    many = {name: fields.all(name) for name in MANY}
    return {**written, **many, "commercial": fields.one("commercial") == "yes"}


def faults_of(error: ValidationError) -> tuple[str, ...]:
    """Return the names of the fields of a request that are not filled in as they must be, in the order of the form."""
    wrong = {str(fault["loc"][0]) for fault in error.errors(include_input=False) if fault["loc"]}
    return tuple(name for name in RequestForm.model_fields if name in wrong)


def _cohort(state: Fields) -> dict[str, tuple[str, ...]]:
    columns = dict.fromkeys(name.removeprefix(COHORT) for name, _ in state.pairs if name.startswith(COHORT))
    return {column: state.all(f"{COHORT}{column}") for column in columns}
