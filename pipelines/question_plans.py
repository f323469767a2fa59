"""A researcher's question before it is answered: its plan, the accounts it would be charged to, what they would hold after.

The same for the command line, the portal and the answer itself, so that nobody is told another cost than is charged. Reads
policies and the ledger; opens no zone and no key, and writes nothing. Not here: the answer (`dp_answers.py`).
"""

from dataclasses import dataclass, replace

from anonymization.dp.plan import DpPlan, plan
from catalog.dp_questions import Asked, compile_question
from catalog.ledger import Ledger
from catalog.ledger_entries import EntryKind
from catalog.ledger_home import ledger_for_looking
from catalog.ledger_place import LedgerPlace
from catalog.ledger_scopes import Scopes
from catalog.ledger_views import Forecast
from pipelines.charging import scopes_of
from policies.canonical import digest
from policies.errors import NotPermittedError
from policies.model import ReleasePolicy
from policies.model.method import DpBudget, DpStatistics


@dataclass(frozen=True, slots=True)
class LedgerForesight:
    """What questions would cost, by the ledger that lies at `place`; what the portal is given of the pipelines."""

    place: LedgerPlace

    def __call__(self, asked: Asked, release: ReleasePolicy, *, researcher: str | None) -> tuple[DpPlan, Forecast]:
        """Plan a question of the data that the release was last charged for; see `foresee`.

        Raises:
            PolicyError: The policy does not let it be asked.
            BudgetError: A recorded cap is not the declared one.
            IntegrityError: The ledger was altered or restored: then no figure is told.
        """
        return foresee(self.place, asked, release, snapshot=None, researcher=researcher)


def plan_question(question: Asked, release: ReleasePolicy, *, snapshot: str) -> DpPlan:
    """Plan a question: its loss and the error to expect. Reads no data, charges nothing.

    Raises:
        PolicyError: The policy does not let it be asked, or the loss is too small for its cells.
    """
    method = statistics_of(compile_question(question, release))
    return plan(method, policy_digest=digest(release), snapshot_digest=snapshot)


def foresee(
    place: LedgerPlace, asked: Asked, release: ReleasePolicy, *, snapshot: str | None, researcher: str | None
) -> tuple[DpPlan, Forecast]:
    """Return the plan of a question and what each account would hold after it. Charges nothing.

    Args:
        place: Where the ledger lies; its chain and anchors are checked first.
        asked: The question.
        release: The policy of its release.
        snapshot: The data that it is asked of; None for those that the release was last charged for.
        researcher: Who asks; None leaves the quota out.

    Raises:
        PolicyError: The policy does not let it be asked.
        BudgetError: A recorded cap is not the declared one.
        IntegrityError: The ledger was altered or restored.
    """
    with ledger_for_looking(place) as ledger:
        known = _last_snapshot(ledger, release.id) if snapshot is None else snapshot
        planned = plan_question(asked, release, snapshot=known)
        scopes = question_scopes(statistics_of(release).budget, release=release.id, researcher=researcher)
        foreseen = ledger.forecast(scopes, planned.charge_micro, query_hash=planned.query_hash, snapshot=known)
    return planned, foreseen


def question_scopes(budget: DpBudget, *, release: str, researcher: str | None) -> Scopes:
    """Return the accounts of a researcher's question: the population, its year, and the researcher's quota.

    Questions have an account of their own beside the release's, so that they use nothing of its quota.
    """
    cap = budget.researcher_rho_cap
    quota = None if cap is None else int(cap * 1_000_000)
    scopes = scopes_of(budget, release=f"{release}:questions")
    return replace(scopes, release_cap_micro=None, researcher=researcher, researcher_cap_micro=quota)


def statistics_of(release: ReleasePolicy) -> DpStatistics:
    """Return the method of a release of noisy statistics.

    Raises:
        NotPermittedError: It is another method.
    """
    if not isinstance(release.method, DpStatistics):
        raise NotPermittedError(
            "question.not-private",
            what="the release is not differentially private",
            why="only noisy numbers answer questions",
            fix="ask for a release whose method is dp_statistics",
        )
    return release.method


def _last_snapshot(ledger: Ledger, release: str) -> str:
    """Return the data that a release was last charged for; nothing where it never was."""
    charged = [entry.body for entry in ledger.history() if entry.kind is EntryKind.CHARGE]
    return next((str(body["snapshot"]) for body in reversed(charged) if body["release"] == release), "")
