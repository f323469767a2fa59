"""A researcher's question for noisy numbers, and what a release policy lets be asked. Pure: no data, no clock, no ledger.

A question chooses from what the policy of a differentially private release already made public: a table of its queries,
their keys with all declared values, their clips. Bounds are the policy's own, the largest of the table's queries, so that
nothing in a question can be taken from the data. Asking is open only where the policy gives researchers a quota
(`researcher_rho_cap`). Not here: planning, charging, drawing (`pipelines/dp_answers.py`).

Source: Regulation (EU) 2025/327 (EHDS) art. 69, a health data request: an answer in anonymized statistical form.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from policies.errors import PolicyError
from policies.model import ReleasePolicy
from policies.model.method import ContributionBounds, DpQuery, DpStatistics, PublicKeys
from policies.model.strictness import ColumnName, Name, Text

QUESTION = "question"
"""The name of every question's one query: two people who ask the same ask under the same name."""


class Question(BaseModel):
    """What a researcher writes; outside input, so strict, frozen, and never quoted in errors.

    `request` is the approved access request under which it is asked. `rho` is the loss that the answer may cost, as
    decimal text. `by` and `value` name output columns of the release; no keys ask for all together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    request: Annotated[str, StringConstraints(pattern=r"^request-[0-9]{4}-[0-9a-f]{8}$")]
    release: Name
    statistic: Literal["people", "rows", "sum", "mean"]
    table: Name
    by: tuple[ColumnName, ...] = ()
    value: ColumnName | None = None
    rho: Annotated[str, StringConstraints(pattern=r"^[01](\.[0-9]{1,6})?$")]


def compile_question(question: Question, release: ReleasePolicy) -> ReleasePolicy:
    """Return the release as it answers this one question: the same tables and treatments, one query, the loss asked for.

    The order of `by` does not matter: keys are taken in the order of their names.

    Raises:
        PolicyError: The release is not differentially private or gives researchers no quota; the table, a key, the value
            or the loss is not one that its policy lets be asked.

    Guarantee: keys, clip and bounds are copied from the policy, with their sources; none comes from the question.
    """
    method = release.method
    if not isinstance(method, DpStatistics) or method.budget.researcher_rho_cap is None:
        raise _refused(
            "not-open",
            "this release answers no questions",
            "questions are answered only where the policy is differentially private and declares researcher_rho_cap",
            "ask for another release, or let its steward declare the quota",
        )
    queries = [query for query in method.queries if query.table == question.table]
    if not queries:
        raise _refused(
            "unknown-table",
            "the question names a table that no query of the release counts",
            "a question is answered from the tables that the policy counts already",
            f"name one of: {', '.join(sorted({query.table for query in method.queries}))}",
        )
    if Decimal(question.rho) <= 0:
        raise _refused(
            "no-loss", "a loss of nothing was asked for", "noise would be endless", "write, for example, 0.005"
        )
    ranged = _ranged(question, queries)
    query = DpQuery(
        name=QUESTION,
        title=Text(ja="研究者の質問", en="A researcher's question"),
        statistic=question.statistic,
        table=question.table,
        by=_keys(question, queries),
        bounds=_bounds(queries),
        value=question.value,
        clip=ranged.clip if ranged else None,
        rho_share=Decimal(1),
    )
    budget = method.budget.model_copy(update={"release_rho": Decimal(question.rho)})
    asked = method.model_copy(update={"budget": budget, "queries": (query,)})
    return release.model_copy(update={"method": asked})


def _keys(question: Question, queries: list[DpQuery]) -> tuple[PublicKeys, ...]:
    known = {key.column: key for query in queries for key in query.by}
    if set(question.by) - set(known) or len(set(question.by)) != len(question.by):
        raise _refused(
            "unknown-key",
            "the question groups by a column that the policy declares no keys for, or by one twice",
            "only the policy's public keys may group: values found in the data would tell who is there",
            f"group by some of: {', '.join(sorted(known))}",
        )
    return tuple(known[column] for column in sorted(question.by))


def _bounds(queries: list[DpQuery]) -> ContributionBounds:
    cells = max(query.bounds.cells_per_person for query in queries)
    rows = max(query.bounds.rows_per_person_per_cell for query in queries)
    sources = "; ".join(dict.fromkeys(query.bounds.source for query in queries))
    return ContributionBounds(cells_per_person=cells, rows_per_person_per_cell=rows, source=sources)


def _ranged(question: Question, queries: list[DpQuery]) -> DpQuery | None:
    """Return the policy's query whose range the value takes; None where nothing is summed."""
    needs_value = question.statistic in {"sum", "mean"}
    ranged = {str(query.value): query for query in queries if query.value is not None and query.clip is not None}
    if needs_value != (question.value is not None) or (needs_value and question.value not in ranged):
        raise _refused(
            "unknown-value",
            "the question names a value that the policy declares no range for, or names one where none is needed",
            "sums and means need a public range; people and rows are only counted",
            f"use sum or mean with one of: {', '.join(sorted(ranged)) or 'none'}",
        )
    return ranged[str(question.value)] if needs_value else None


def _refused(code: str, what: str, why: str, fix: str) -> PolicyError:
    return PolicyError(f"question.{code}", what=what, why=why, fix=fix)
