"""A dry run: the release that would result from a policy as it stands, against the real data, with nothing written.

It works on drafts, because its purpose is to see the effect before anybody signs. What comes out passes the gate of the
steward's room. Not here: what the figures are called (`foreseen.py`), the data's way in memory (`rehearsal.py`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyarrow as pa

from anonymization.controlled import protect_controlled_rows
from anonymization.evidence import CheckResult, Evidence
from anonymization.generalize import SearchProgress
from anonymization.genome.release import protect_allele_frequencies, refuse_row_level
from anonymization.microdata import protect_microdata
from anonymization.release_checks import recount_release
from anonymization.release_checks.dimensions import dimension_checks
from anonymization.release_checks.surroundings import Surroundings
from anonymization.small_cells import protect_small_cells
from anonymization.tables import ControlledRows, Protected, Pseudonymized
from catalog.ledger_home import ledger_for_looking
from catalog.ledger_scopes import Scopes
from pipelines.charging import scopes_of
from pipelines.deployment import Deployment, has_zones, snapshot_of
from pipelines.foreseen import Figure, Foreseen, Obstacle, figures_of, obstacles_of, plan_figures, rare_figures
from pipelines.private_plan import PrivatePlan, delta_units, plan_private
from pipelines.quality import judge
from pipelines.rehearsal import Rehearsed, quiet_engine, rehearse
from pipelines.stages.around import surroundings_of, thresholds_of
from pipelines.stages.guard import coded
from pipelines.storage import Stage
from policies.check import check
from policies.errors import BudgetError, NijiError
from policies.findings import Finding
from policies.library import PolicyKind
from policies.model import ReleasePolicy
from policies.model.method import AlleleFrequencies, DpBudget, Microdata, PrivateMethod, SmallCells
from policies.vocabulary import Severity

_Result = TypeVar("_Result")
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def foresee(deployment: Deployment, name: str) -> Foreseen:
    """Compute what a release policy would lead to today.

    Args:
        deployment: Opened for reading, with the library that holds the policy (or its draft); it need not be active.
        name: The release.

    Returns:
        The figures, every check made, and everything that would stop the release: findings of the policy, refusals of
        a stage, failed checks. What one obstacle hides is not computed.

    Raises:
        PolicyError: There is no such release.

    Guarantee: no zone, store, ledger, key or event is written; for differential privacy nothing is charged or drawn.
    Not guaranteed: that the run gives the same rows: ids are random, and data may change in between.
    """
    release = deployment.library.release(name)
    seen = _Seen(deployment, release)
    file = deployment.library.files.get((PolicyKind.RELEASE, name))
    seen.findings = check(deployment.library, on=deployment.settings.on, paths=[file] if file else None)
    seen.obstacles += [
        Obstacle(one.rule, str(one.place), one.what, one.fix) for one in seen.findings if one.severity is Severity.BLOCK
    ]
    with quiet_engine(deployment) as engine:
        seen.look(engine)
    current, published = _published(deployment, release)
    return Foreseen(
        release=release.id,
        version=release.version,
        method=release.method.kind,
        figures=seen.figures,
        published=figures_of(published) if published else (),
        published_version=current,
        obstacles=tuple(dict.fromkeys(seen.obstacles)),
        findings=seen.findings,
        checks=tuple(seen.checks),
        rehearsed=seen.rehearsed,
    )


@dataclass(slots=True)
class _Seen:
    """What was seen so far; each step adds to it, and a refused step ends its part only."""

    deployment: Deployment
    release: ReleasePolicy
    findings: tuple[Finding, ...] = ()
    figures: tuple[Figure, ...] = ()
    obstacles: list[Obstacle] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    rehearsed: dict[str, str] = field(default_factory=dict)

    def look(self, engine: Any) -> None:
        """Rehearse the data's way, protect, and judge the result as the stages would."""
        sources = self._sources(engine)
        if sources is None:
            return
        method = self.release.method
        if isinstance(method, PrivateMethod):
            self._try("plan", lambda: self._plan(method.budget))
            return
        protected = self._try("protected", lambda: protect_release(self.deployment, self.release, sources))
        if protected is None:
            return
        tables = {name: _arrow(rows) for name, rows in protected.tables.items()}
        self.figures = (*figures_of(protected.evidence), *rare_figures(self.release, tables))
        self.checks += protected.evidence.checks
        self.checks += self._try("validated", lambda: self._recount(protected, sources)) or ()
        self.checks += self._try("validated", lambda: self._quality(protected)) or ()
        self.obstacles += obstacles_of(self.checks)

    def _sources(self, engine: Any) -> dict[str, Pseudonymized] | None:
        found: dict[str, Rehearsed] = {}
        for name in self.release.datasets:
            self._tell(f"rehearse {name}")
            one = self._try(name, lambda name=name: rehearse(self.deployment, name, engine=engine))  # type: ignore[misc]
            if one is None:
                return None
            found[name] = one
        self.rehearsed = {name: one.taken_from for name, one in found.items()}
        return {name: one.source for name, one in found.items()}

    def _recount(self, protected: Protected, sources: Mapping[str, Pseudonymized]) -> tuple[CheckResult, ...]:
        self._tell("recount")
        return recount_release(protected, sources, around=surroundings_for(self.deployment, self.release))

    def _quality(self, protected: Protected) -> tuple[CheckResult, ...]:
        self._tell("quality suite")
        suite = self.deployment.library.suite(self.release.quality.suite)
        tables = {name: _arrow(rows) for name, rows in protected.tables.items()}
        if isinstance(protected, ControlledRows):
            tables |= {name: one.sites.drop_columns(["gt", "phased"]) for name, one in protected.genotypes.items()}
        found = judge(suite, tables)
        return (*found, *dimension_checks(self.release, found))

    def _plan(self, budget: DpBudget) -> None:
        planned = plan_private(self.release, snapshot=snapshot_of(self.deployment, self.release.datasets))
        if planned is None:
            return
        account = account_of(self.deployment, planned, scopes_of(budget, release=self.release.id))
        self.figures = plan_figures(
            planned,
            spent_micro=account.spent_micro,
            cap_micro=account.cap_micro,
            is_answered=account.is_answered,
        )
        if not account.is_granted:
            self.obstacles.append(
                Obstacle(
                    "DP-01",
                    "protected",
                    f"the account of population '{planned.population}' does not cover the loss, or has another cap",
                    "ask for less, or let the approver decide on the cap (`niji budget set-cap`)",
                )
            )

    def _try(self, where: str, work: Callable[[], _Result]) -> _Result | None:
        try:
            return work()
        except NijiError as error:
            self.obstacles.append(Obstacle(error.code, where, error.what, error.fix))
        except Exception as error:  # noqa: BLE001 - the boundary: a library's text may quote a value
            found = coded(error, where=where)
            self.obstacles.append(Obstacle(found.code, where, found.what, found.fix))
        return None

    def _tell(self, detail: str) -> None:
        self.deployment.reporter.progressed(f"dry run of {self.release.id}", detail)


@dataclass(frozen=True, slots=True)
class Account:
    """A population's account as a plan meets it, in micro-ρ."""

    spent_micro: int
    cap_micro: int
    is_answered: bool
    is_granted: bool


def protect_release(deployment: Deployment, release: ReleasePolicy, sources: Mapping[str, Pseudonymized]) -> Protected:
    """Protect a release in memory, as its stage would; never for differential privacy, whose noise is drawn once.

    Raises:
        DataError, PolicyError: What the stage would raise.
    """
    refuse_row_level(release, datasets={one: source.dataset for one, source in sources.items()})
    hierarchies = deployment.hierarchies(release)
    if isinstance(release.method, Microdata):

        def progress(step: SearchProgress) -> None:
            gap = "no valid node yet" if step.gap is None else f"gap {step.gap:.4f}"
            deployment.reporter.progressed(f"dry run of {release.id}", f"{step.checks} nodes checked, {gap}")

        return protect_microdata(release, sources, hierarchies=hierarchies, progress=progress)
    if isinstance(release.method, SmallCells):
        return protect_small_cells(release, sources, hierarchies=hierarchies)
    if isinstance(release.method, AlleleFrequencies):
        return protect_allele_frequencies(release, sources)
    return protect_controlled_rows(release, sources, hierarchies=hierarchies)


def surroundings_for(deployment: Deployment, release: ReleasePolicy) -> Surroundings:
    """Return what lies around a release, also where nothing was ever run."""
    if has_zones(deployment):
        return surroundings_of(deployment, release)
    top_age, least = thresholds_of(deployment.library, release)
    return Surroundings(top_age_years=top_age, min_persons=least, hierarchies=deployment.hierarchies(release))


def _arrow(rows: Any) -> pa.Table:
    return rows if isinstance(rows, pa.Table) else rows.to_pyarrow()


def account_of(deployment: Deployment, planned: PrivatePlan, scopes: Scopes) -> Account:
    """Read what a plan would meet, of all its accounts, without writing anything."""
    with ledger_for_looking(deployment.settings.ledger) as ledger:
        try:
            foreseen = ledger.forecast(
                scopes,
                planned.charge_micro,
                query_hash=planned.query_hash,
                snapshot=planned.snapshot_digest,
                delta_units=delta_units(planned),
            )
        except BudgetError:
            view = ledger.show(planned.population)  # a recorded cap is another than the policy's
            return Account(view.spent_micro, view.cap_micro, is_answered=False, is_granted=False)
    own = foreseen.accounts[0]
    is_answered = foreseen.answer_digest is not None
    return Account(own.spent_micro, own.cap_micro, is_answered, is_granted=not foreseen.short)


def _published(deployment: Deployment, release: ReleasePolicy) -> tuple[str | None, Evidence | None]:
    """Return the version that is published now, and its evidence as it was validated."""
    if not has_zones(deployment):
        return None, None
    validated = deployment.zones.current(Stage.VALIDATED, release.id)
    if validated is None:
        return None, None
    folder = deployment.settings.zones / "released" / release.id
    versions = sorted(
        (path.name for path in folder.glob("*") if _VERSION.fullmatch(path.name)),
        key=lambda name: tuple(map(int, name.split("."))),
    )
    return versions[-1] if versions else "-", Evidence.from_json(validated.facts["evidence"])
