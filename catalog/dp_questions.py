"""A researcher's question for noisy numbers, and what a release policy lets be asked. Pure: no data, no clock, no ledger.

A question chooses from what the policy of a differentially private release already made public (`dp_offers.py`): a table of
its queries, their keys with all declared values, their clips, edges, codes and bounds, so that nothing in a question can be
taken from the data. What a question brings itself is which of these, the loss, how many ranks, and which quantiles.
Asking is open only where the policy gives researchers a quota (`researcher_rho_cap`). Not here: planning, charging,
drawing (`pipelines/dp_answers.py`).

Source: Regulation (EU) 2025/327 (EHDS) art. 69, a health data request: an answer in anonymized statistical form.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from catalog.dp_offers import Offer, offers_of
from policies.errors import PolicyError
from policies.model import ReleasePolicy
from policies.model.dp_queries import ASKED_WITH, Predictor, Statistic
from policies.model.method import DpQuery, DpStatistics, Probability, PublicKeys
from policies.model.strictness import ColumnName, Name, Text

QUESTION = "question"
"""The name of every question's one query: two people who ask the same ask under the same name."""
QUARTILES = (Decimal("0.25"), Decimal("0.5"), Decimal("0.75"))
MAX_RANKS = 1_000

_KeyValue = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_KeyValues = Annotated[
    tuple[_KeyValue, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    Field(min_length=1, max_length=10_000),
]


class Asked(BaseModel):
    """What a researcher asks of a release; outside input, so strict, frozen, and never quoted in errors.

    `rho` is the loss that the answer may cost, as decimal text. `by`, `where`, `value`, `marginals` and `predictors` name
    output columns of the release (`value` the outcome of a logistic regression); no keys ask for all together. `where` is
    the cohort: for each column the public values of which a row must have one. `top` is how many ranks; `probabilities`
    which quantiles, the quartiles if left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    release: Name
    statistic: Statistic
    table: Name
    by: tuple[ColumnName, ...] = ()
    where: dict[ColumnName, _KeyValues] = Field(default_factory=dict)
    value: ColumnName | None = None
    probabilities: Annotated[tuple[Probability, ...], Field(min_length=1, max_length=99)] | None = None
    marginals: Annotated[tuple[tuple[ColumnName, ...], ...], Field(min_length=1, max_length=100)] | None = None
    top: Annotated[int, Field(ge=1, le=MAX_RANKS)] | None = None
    predictors: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=10)] | None = None
    rho: Annotated[str, StringConstraints(pattern=r"^[01](\.[0-9]{1,6})?$")]


class Question(Asked):
    """What is asked, and `request`: the approved access request under which it is asked."""

    request: Annotated[str, StringConstraints(pattern=r"^request-[0-9]{4}-[0-9a-f]{8}$")]


def compile_question(asked: Asked, release: ReleasePolicy) -> ReleasePolicy:
    """Return the release as it answers this one question: the same tables and treatments, one query, the loss asked for.

    The order of keys, values, margins, predictors and quantiles does not matter: two ways of writing one question are one.

    Raises:
        PolicyError: The release is not differentially private or gives researchers no quota; the table, a key, a value
            of one, a column or the loss is not one that its policy lets be asked.

    Guarantee: keys, clips, edges, codes and bounds are copied from the policy, with their sources; none comes from the
        question.
    """
    offers = {offer.table: offer for offer in offers_of(release)}
    method = release.method
    if not isinstance(method, DpStatistics) or asked.table not in offers:
        raise _refused(
            "unknown-table",
            "the question names a table that no query of the release counts",
            "a question is answered from the tables that the policy counts already",
            f"name one of: {', '.join(sorted(offers))}",
        )
    if Decimal(asked.rho) <= 0:
        raise _refused(
            "no-loss", "a loss of nothing was asked for", "noise would be endless", "write, for example, 0.005"
        )
    query = _query(asked, offers[asked.table])
    budget = method.budget.model_copy(update={"release_rho": Decimal(asked.rho)})
    answered = method.model_copy(update={"budget": budget, "queries": (query,)})
    return release.model_copy(update={"method": answered})


def _query(asked: Asked, offer: Offer) -> DpQuery:
    _hold_form(asked, offer)
    grouped = asked.by or tuple({column for margin in asked.marginals or () for column in margin})
    by = _keys(grouped, asked, offer)
    where = _keys(tuple(set(asked.where) - set(grouped)), asked, offer)
    special = _special(asked, offer)
    try:
        return DpQuery(
            name=QUESTION,
            title=Text(ja="研究者の質問", en="A researcher's question"),
            statistic=asked.statistic,
            table=asked.table,
            by=by,
            where=where or None,
            bounds=offer.bounds,
            rho_share=Decimal(1),
            **special,
        )
    except ValidationError:
        raise _refused(
            "not-a-query",
            "the parts of the question do not fit each other",
            "a statistic has rules of its own: ranks need a key, a margin stands once, a predictor is not the outcome",
            "write it as in pipelines/README.md",
        ) from None


def _hold_form(asked: Asked, offer: Offer) -> None:
    """Refuse a question that lacks what its statistic needs, or brings what it does not take."""
    if asked.statistic not in offer.statistics:
        raise _refused(
            "unknown-statistic",
            "the policy declares no range, edges, codes or keys that this statistic of this table would need",
            "everything public in an answer is taken from the policy",
            f"ask for one of: {', '.join(offer.statistics)}",
        )
    needed = ASKED_WITH[asked.statistic]
    values = offer.values_for(asked.statistic)
    if bool(needed & {"value", "outcome"}) != (asked.value is not None) or (
        asked.value is not None and asked.value not in values
    ):
        raise _refused(
            "unknown-value",
            "the question names a value that the policy declares no range for, or names one where none is needed",
            "sums, means and distributions need public ranges or edges; people and rows are only counted",
            f"use {asked.statistic} with one of: {', '.join(sorted(values)) or 'none'}",
        )
    given = {name for name in ("probabilities", "marginals", "top", "predictors") if getattr(asked, name) is not None}
    lacking = (needed & {"marginals", "top", "predictors"}) - given
    if given - needed or lacking or (asked.marginals is not None and asked.by):
        raise _refused(
            "wrong-parts",
            f"'{asked.statistic}' lacks a part of the question, or has one that it does not take",
            "each statistic is asked with parts of its own; margins bring their keys themselves",
            f"write {', '.join(sorted(needed & {'value', 'probabilities', 'marginals', 'top', 'predictors'})) or 'no part'}",
        )


def _keys(columns: tuple[str, ...], asked: Asked, offer: Offer) -> tuple[PublicKeys, ...]:
    """Return declared keys in the order of their names, cut to the values that the question names of them."""
    named = (*columns, *asked.where)
    if set(named) - set(offer.keys) or len(set(columns)) != len(columns):
        raise _refused(
            "unknown-key",
            "the question groups or filters by a column that the policy declares no keys for, or by one twice",
            "only the policy's public keys may group: values found in the data would tell who is there",
            f"use some of: {', '.join(sorted(offer.keys))}",
        )
    return tuple(_cut(offer.keys[column], asked.where.get(column)) for column in sorted(columns))


def _cut(key: PublicKeys, wanted: tuple[str, ...] | None) -> PublicKeys:
    if wanted is None:
        return key
    if set(wanted) - set(key.values):
        raise _refused(
            "unknown-key-value",
            f"the cohort names a value of '{key.column}' that the policy does not declare",
            "a value that is not public would tell whether somebody has it",
            f"name some of its {len(key.values)} public values; the portal and the policy list them",
        )
    return key.model_copy(update={"values": tuple(value for value in key.values if value in wanted)})


def _special(asked: Asked, offer: Offer) -> dict[str, Any]:
    """Return what only this statistic is asked with, all from the policy but the quantiles, margins and ranks."""
    needed, value = ASKED_WITH[asked.statistic], asked.value or ""
    survival = offer.survivals.get(value) if "status" in needed else None
    unknown = set(asked.predictors or ()) - set(offer.clips)
    if unknown:
        raise _refused(
            "unknown-value",
            "the question names a predictor that the policy declares no range for",
            "a regression needs a public range for each of its columns",
            f"use some of: {', '.join(sorted(offer.clips))}",
        )
    made: dict[str, Any] = {
        "value": asked.value,
        "clip": offer.clips.get(value),
        "outcome": offer.outcomes.get(value),
        "edges": survival.edges if survival else offer.edges.get(value),
        "status": survival.status if survival else None,
        "probabilities": tuple(sorted(set(asked.probabilities or QUARTILES))),
        "marginals": tuple(sorted(tuple(sorted(margin)) for margin in asked.marginals or ())),
        "top": asked.top,
        "predictors": tuple(
            Predictor(column=column, clip=offer.clips[column]) for column in sorted(asked.predictors or ())
        ),
    }
    return {name: part for name, part in made.items() if name in needed}


def _refused(code: str, what: str, why: str, fix: str) -> PolicyError:
    return PolicyError(f"question.{code}", what=what, why=why, fix=fix)
