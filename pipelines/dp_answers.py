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

from anonymization.dp.plan import DpPlan
from anonymization.dp.release import answer_digest, measure
from anonymization.tables import NoisyAggregate
from anonymization.treat import treat_tables
from catalog.access import Permit, require_usable
from catalog.dp_card_build import CardFacts
from catalog.dp_card_question import question_entries
from catalog.dp_questions import QUESTION, Asked, Question, compile_question
from catalog.keys import KeyKind
from catalog.ledger import Reservation
from catalog.ledger_scopes import Scopes, rho_text
from catalog.ledger_views import Forecast
from catalog.question_desk import QuestionDesk
from catalog.question_store import QuestionStore
from pipelines.deployment import CODE_VERSION, Deployment, digest_of
from pipelines.fixed_time import QUESTION_SECONDS, on_schedule, slot_seconds
from pipelines.question_plans import foresee, plan_question, question_scopes, statistics_of
from pipelines.source_names import names_of_people
from pipelines.stages.pseudonymized import read_sources
from pipelines.storage import Stage, Version
from policies.errors import IntegrityError, NotPermittedError
from policies.library import PolicyKind
from policies.model import ReleasePolicy


@dataclass(frozen=True, slots=True)
class Answer:
    """A noisy table, ready to be shown: `cells` are rows by column name; everything in it was paid for.

    `is_repeated` says that it was drawn before, and that nothing was charged now. `told` is what is said beside it, and was
    stored with it: what is guaranteed and what not, and its entry for the registry of deployments, each in both languages.
    """

    plan: DpPlan
    cells: tuple[Mapping[str, object], ...]
    is_repeated: bool
    told: Mapping[str, object]

    def as_json(self) -> dict[str, object]:
        """Return the answer as plain JSON values."""
        charged = 0 if self.is_repeated else self.plan.charge_micro
        return {
            "answer": [dict(cell) for cell in self.cells],
            "is_repeated": self.is_repeated,
            "rho_charged": rho_text(charged) if charged else "0",
            "plan": self.plan.as_json(),
            **self.told,
        }


def foresee_question(deployment: Deployment, question: Asked, *, researcher: str) -> tuple[DpPlan, Forecast]:
    """Return the plan of a question and what each account would hold after it. Charges nothing.

    Raises:
        PolicyError: The policy does not let it be asked.
    """
    release = deployment.library.release(question.release)
    snapshot = snapshot_of(deployment, release)
    return foresee(deployment.settings.ledger, question, release, snapshot=snapshot, researcher=researcher)


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
    return Answer(planned, cells, is_repeated, stored.facts.get("told", {}))


def answer_filed(deployment: Deployment, question_id: str) -> Answer:
    """Answer a question that was filed in the portal, and seal the answer to its owner; see `answer_question`.

    Raises:
        UsageError: No such question was filed.
    """
    desk = question_desk(deployment)
    answer = answer_question(deployment, desk.filed(question_id).question)
    desk.deliver(question_id, answer.as_json(), on=deployment.settings.on)
    return answer


def question_desk(deployment: Deployment) -> QuestionDesk:
    """Return the desk for questions of the portal."""
    return QuestionDesk(deployment.desk, QuestionStore.open(deployment.settings.home / "catalog.sqlite"))


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
    budget = statistics_of(asked).budget
    scopes = question_scopes(budget, release=asked.id, researcher=researcher)
    charge = _charge(deployment, planned, replace(scopes, sources=names_of_people(deployment, asked.datasets)))
    least = deployment.settings.answer_seconds or QUESTION_SECONDS
    seconds = slot_seconds(planned, people_at_most=budget.people_at_most, least=least)
    with on_schedule(seconds, clock=deployment.clock):
        sources = read_sources(deployment, asked.datasets, engine=deployment.engine())
        treated = treat_tables(asked, sources, hierarchies=deployment.hierarchies(asked))
        key = deployment.keys.secret(KeyKind.BOUNDING, planned.population).reveal()
        drawn = measure(asked, treated, plan=planned, bounding_key=key)
        told = _told(deployment, asked, drawn, charge_id=charge.charge_id)
        _store(deployment, drawn, name=name, told=told, charge_id=charge.charge_id)
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


def _told(
    deployment: Deployment, asked: ReleasePolicy, drawn: NoisyAggregate, *, charge_id: str
) -> Mapping[str, object]:
    evidence, budget = drawn.evidence, statistics_of(asked).budget
    account = deployment.ledger.show(budget.population)
    facts = CardFacts(
        release=asked,
        budget=budget,
        datasets=[deployment.library.dataset(name) for name in asked.datasets],
        evidence=evidence,
        checks=[("protected", check) for check in evidence.checks],
        charge_id=charge_id,
        rho_cap=rho_text(account.cap_micro),
        rho_charged=rho_text(account.spent_micro),
        code_version=CODE_VERSION,
        published_on=deployment.settings.on,
    )
    japanese, english = question_entries(facts)
    return {
        "guarantee": {"ja": evidence.guarantee.ja, "en": evidence.guarantee.en},
        "not_guaranteed": {"ja": evidence.not_guaranteed.ja, "en": evidence.not_guaranteed.en},
        "card": {"ja": japanese.model_dump(mode="json"), "en": english.model_dump(mode="json")},
    }


def _store(
    deployment: Deployment, drawn: NoisyAggregate, *, name: str, told: Mapping[str, object], charge_id: str
) -> None:
    inputs = str(drawn.evidence.parameters["query_hash"])
    with deployment.zones.write(Stage.PROTECTED, name) as draft:
        for table, content in drawn.tables.items():
            draft.write_table(table, content)
        facts: dict[str, Any] = {
            "evidence": drawn.evidence.as_json(),
            "told": told,
            "charge": {"id": charge_id, "answer": answer_digest(drawn)},
        }
        draft.finish(inputs=inputs, data_version=digest_of(protected=inputs), facts=facts)


def _place(query_hash: str, snapshot: str) -> str:
    """Return the folder of a question's answer: one a question and snapshot, whoever asks."""
    return "question-" + hashlib.sha256(f"{query_hash} {snapshot}".encode()).hexdigest()[:32]
