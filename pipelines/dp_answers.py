"""A researcher's question, planned or answered: the release's compiler, gate and ledger, and nothing beside them.

asked in the audit log → charged in the ledger → bounded → drawn once → stored encrypted → settled → told. A question
that was answered on the same data is told again from storage, at no cost, to whoever may ask. What was reserved and not
settled stays spent. A fresh answer is known at a slot of a public clock (`fixed_time.py`), and so is a failure after its
charge. Not here: what may be asked (`catalog/dp_questions.py`), the command (`cli/dp.py`).
"""

import fcntl
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from anonymization.dp.plan import DpPlan, plan
from anonymization.dp.release import answer_digest, measure
from anonymization.tables import NoisyAggregate
from anonymization.treat import treat_tables
from catalog.access import Permit, require_usable
from catalog.dp_questions import QUESTION, Asked, Question, compile_question
from catalog.keys import KeyKind
from catalog.ledger import Reservation
from catalog.ledger_home import ledger_for_looking
from catalog.ledger_scopes import Scopes, rho_text
from catalog.ledger_views import Forecast
from pipelines.charging import scopes_of
from pipelines.deployment import Deployment, digest_of
from pipelines.fixed_time import QUESTION_SECONDS, on_schedule, slot_seconds
from pipelines.stages.pseudonymized import read_sources
from pipelines.storage import Stage, Version
from policies.canonical import digest
from policies.errors import IntegrityError, NotPermittedError
from policies.library import PolicyKind
from policies.model import ReleasePolicy
from policies.model.method import DpBudget, DpStatistics


@dataclass(frozen=True, slots=True)
class Answer:
    """A noisy table, ready to be shown: `cells` are rows by column name; everything in it was paid for.

    `is_repeated` says that it was drawn before, and that nothing was charged now.
    """

    plan: DpPlan
    cells: tuple[Mapping[str, object], ...]
    is_repeated: bool

    def as_json(self) -> dict[str, object]:
        """Return the answer as plain JSON values."""
        charged = 0 if self.is_repeated else self.plan.charge_micro
        return {
            "answer": [dict(cell) for cell in self.cells],
            "is_repeated": self.is_repeated,
            "rho_charged": rho_text(charged) if charged else "0",
            "plan": self.plan.as_json(),
        }


def plan_question(question: Asked, release: ReleasePolicy, *, snapshot: str) -> DpPlan:
    """Plan a question: its loss and the error to expect. Reads no data, charges nothing.

    Raises:
        PolicyError: The policy does not let it be asked, or the loss is too small for its cells.
    """
    method = _method(compile_question(question, release))
    return plan(method, policy_digest=digest(release), snapshot_digest=snapshot)


def foresee_question(deployment: Deployment, question: Asked, *, researcher: str) -> tuple[DpPlan, Forecast]:
    """Return the plan of a question and what each account would hold after it. Charges nothing.

    Raises:
        PolicyError: The policy does not let it be asked.
    """
    release = deployment.library.release(question.release)
    planned = plan_question(question, release, snapshot=snapshot_of(deployment, release))
    scopes = question_scopes(_method(release).budget, release=release.id, researcher=researcher)
    with ledger_for_looking(deployment.settings.ledger) as ledger:
        foreseen = ledger.forecast(
            scopes, planned.charge_micro, query_hash=planned.query_hash, snapshot=planned.snapshot_digest
        )
    return planned, foreseen


def question_scopes(budget: DpBudget, *, release: str, researcher: str) -> Scopes:
    """Return the accounts of a researcher's question: the population, its year, and the researcher's quota.

    Questions have an account of their own beside the release's, so that they use nothing of its quota.
    """
    cap = budget.researcher_rho_cap
    quota = None if cap is None else int(cap * 1_000_000)
    scopes = scopes_of(budget, release=f"{release}:questions")
    return replace(scopes, release_cap_micro=None, researcher=researcher, researcher_cap_micro=quota)


def snapshot_of(deployment: Deployment, release: ReleasePolicy) -> str:
    """Return the digest of the data that a question of a release is asked of; the same as the release's own."""
    zones = deployment.zones
    return digest_of(sources={one: zones.require(Stage.PSEUDONYMIZED, one).data_version for one in release.datasets})


def answer_question(deployment: Deployment, question: Question) -> Answer:
    """Answer a question under an approved request: the stored answer where there is one, else a fresh and paid one.

    Raises:
        NotPermittedError: The request is not approved for this release and version, or its permit does not hold today.
        PolicyError: The policy is not active, or does not let this be asked.
        BudgetError: An account does not cover the loss; nothing was charged.
        IntegrityError: The ledger knows an answer that the zones have lost.

    Guarantee: as `anonymization.dp.release.measure`, with the loss that the ledger was charged before the draw.
    Not guaranteed: that a new answer and a stored one take the same time: whether it was charged is public.
    """
    permit, researcher = _permitted(deployment, question)
    deployment.require_active(PolicyKind.RELEASE, question.release)
    release = deployment.library.release(question.release)
    asked = compile_question(question, release)
    snapshot = snapshot_of(deployment, release)
    planned = plan_question(question, release, snapshot=snapshot)
    name = _place(planned.query_hash, snapshot)
    about = {"permit": permit.id, "release": release.id, "question": planned.query_hash}
    deployment.audit.append(actor=researcher, action="question.ask", subject=question.request, details=about)
    with _alone(deployment):
        stored = deployment.zones.current(Stage.PROTECTED, name)
        is_repeated = stored is not None
        if stored is None:
            stored = _draw(deployment, asked, planned, name=name, researcher=researcher)
        # Asked of a stored answer too: a run may have ended between storing it and settling its charge.
        deployment.ledger.settle(stored.facts["charge"]["id"], stored.facts["charge"]["answer"])
    cost = 0 if is_repeated else planned.charge_micro
    told: dict[str, str | int] = {**about, "charged_micro_rho": cost}
    deployment.audit.append(actor="system", action="question.answered", subject=question.request, details=told)
    cells = tuple(deployment.zones.arrow(stored, QUESTION).to_pylist())
    return Answer(planned, cells, is_repeated)


@contextmanager
def _alone(deployment: Deployment) -> Iterator[None]:
    """Let one process of a home answer at a time, so that two who ask the same at once draw once."""
    with (deployment.settings.home / "questions.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _permitted(deployment: Deployment, question: Question) -> tuple[Permit, str]:
    request = deployment.desk.request(question.request)
    permit = request.permit
    version = deployment.library.release(question.release).version
    is_for_this = permit is not None and (permit.release, permit.release_version) == (question.release, version)
    if permit is None or not is_for_this or request.form.answer != "statistics":
        raise NotPermittedError(
            "question.no-permit",
            what="the request that the question names is not approved for statistics of this release and version",
            why="questions are answered under a request that a compliance officer approved",
            fix="submit a request whose form says `answer: statistics` (niji request submit), and let it be decided",
        )
    require_usable(permit, on=deployment.settings.on)
    return permit, request.form.applicant


def _draw(deployment: Deployment, asked: ReleasePolicy, planned: DpPlan, *, name: str, researcher: str) -> Version:
    budget = _method(asked).budget
    charge = _charge(deployment, planned, question_scopes(budget, release=asked.id, researcher=researcher))
    least = deployment.settings.answer_seconds or QUESTION_SECONDS
    seconds = slot_seconds(planned, people_at_most=budget.people_at_most, least=least)
    with on_schedule(seconds, clock=deployment.clock):
        sources = read_sources(deployment, asked.datasets, engine=deployment.engine())
        treated = treat_tables(asked, sources, hierarchies=deployment.hierarchies(asked))
        key = deployment.keys.secret(KeyKind.BOUNDING, planned.population).reveal()
        drawn = measure(asked, treated, plan=planned, bounding_key=key)
        _store(deployment, drawn, name=name, inputs=planned.query_hash, charge_id=charge.charge_id)
    stored = deployment.zones.require(Stage.PROTECTED, name)
    deployment.zones.redate(stored)
    return stored


def _charge(deployment: Deployment, planned: DpPlan, scopes: Scopes) -> Reservation:
    charge = deployment.ledger.reserve(
        scopes, planned.charge_micro, query_hash=planned.query_hash, snapshot=planned.snapshot_digest
    )
    if charge.is_answered:
        raise IntegrityError(
            "question.answer-lost",
            what="this question was answered before, and its stored answer is not in the zones",
            why="the same question of the same data is answered once; fresh noise would undo the old",
            fix="restore the zones from their backup, or ask with another loss, which is charged anew",
        )
    return charge


def _store(deployment: Deployment, drawn: NoisyAggregate, *, name: str, inputs: str, charge_id: str) -> None:
    with deployment.zones.write(Stage.PROTECTED, name) as draft:
        for table, content in drawn.tables.items():
            draft.write_table(table, content)
        facts: dict[str, Any] = {
            "evidence": drawn.evidence.as_json(),
            "charge": {"id": charge_id, "answer": answer_digest(drawn)},
        }
        draft.finish(inputs=inputs, data_version=digest_of(protected=inputs), facts=facts)


def _place(query_hash: str, snapshot: str) -> str:
    """Return the folder of a question's answer: one a question and snapshot, whoever asks."""
    return "question-" + hashlib.sha256(f"{query_hash} {snapshot}".encode()).hexdigest()[:32]


def _method(release: ReleasePolicy) -> DpStatistics:
    if not isinstance(release.method, DpStatistics):
        raise NotPermittedError(
            "question.not-private",
            what="the release is not differentially private",
            why="only noisy numbers answer questions",
            fix="ask for a release whose method is dp_statistics",
        )
    return release.method
