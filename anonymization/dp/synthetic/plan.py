"""The plan of a synthetic table: which marginals are drawn, with which noise, and what is charged. Reads no data."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_CEILING, Decimal

from anonymization.dp.mechanism import MICRO, distance_at_least, epsilon_of, loss_of, sigma_for
from anonymization.dp.plan import MAX_CELLS, micro_text
from anonymization.dp.query_plan import Z_95
from anonymization.dp.synthetic.acceptance import paid_limits
from anonymization.dp.synthetic.domain import Domain, check_domain
from anonymization.dp.synthetic.selection import choice_loss, scale_for
from anonymization.dp.synthetic.tree import Clique, cells_of, tree_cells
from policies.errors import PolicyError
from policies.model.dp_budget import DpBudget
from policies.model.synthetic import Criterion, MarginalError, groups_of

CHOOSING = Decimal("0.1")
"""Part of a round that pays for the choice; the rest measures what was chosen (AIM, algorithm 2)."""
MAX_MODEL_CELLS = 1_000_000
"""Cells that the nodes of the junction tree may hold together, in memory."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Rounds that choose and measure one more marginal each, of at most `most_columns` columns, for `share` of ρ."""

    share: Decimal
    rounds: int
    most_columns: int = 2


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the rows must keep to be given out; `share` pays for the criteria that read real people, and is 0 without any.

    Source: Hod & Canetti 2024, sections on acceptance criteria: a criterion is itself a query with a budget.
    """

    share: Decimal
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class SyntheticMethod:
    """What is asked for: a public domain, cliques chosen from public semantics, shares of ρ that sum to 1.

    Every column is measured alone as well. `cliques_source` says where the cliques come from; never from the data.
    `rows` None makes as many people as the noisy counts say.
    """

    name: str
    table: str
    domain: Domain
    cliques: tuple[tuple[str, ...], ...]
    cliques_source: str
    budget: DpBudget
    columns_share: Decimal
    cliques_share: Decimal
    selection: Selection | None = None
    acceptance: Acceptance | None = None
    rows: int | None = None
    max_cells: int = MAX_MODEL_CELLS


@dataclass(frozen=True, slots=True)
class Draw:
    """One noisy vector: the clique, the scale of its noise, what it may lose, and what OpenDP's map says it loses."""

    clique: Clique
    sensitivity: float
    sigma: float
    rho_micro: int
    loss_micro: int


@dataclass(frozen=True, slots=True)
class Round:
    """One round of selection: the scale of the choice and what it may lose; then a draw of `measure` over the chosen."""

    scale: float
    rho_micro: int
    loss_micro: int
    measure: Draw


@dataclass(frozen=True, slots=True)
class SyntheticPlan:
    """A synthetic table before it is run. `charge_micro`, `query_hash` and `snapshot_digest` are what the ledger is given."""

    method: SyntheticMethod
    population: str
    charge_micro: int
    delta: Decimal
    epsilon: float
    policy_digest: str
    snapshot_digest: str
    query_hash: str
    draws: tuple[Draw, ...]
    rounds: tuple[Round, ...]
    accept: Draw | None

    @property
    def loss_micro(self) -> int:
        """Everything that OpenDP's maps say is lost, each rounded up."""
        return (
            sum(draw.loss_micro for draw in self.draws)
            + sum(one.loss_micro + one.measure.loss_micro for one in self.rounds)
            + (self.accept.loss_micro if self.accept else 0)
        )

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """What the rows must keep to be given out."""
        return self.method.acceptance.criteria if self.method.acceptance else ()

    @property
    def delta_units(self) -> int:
        """The δ that is charged: none, for every value is public and no threshold is drawn."""
        return 0

    @property
    def errors_95(self) -> dict[str, float]:
        """The 95 % error of each declared marginal, in people, by the columns it is over."""
        names = self.method.domain.names
        return {" x ".join(names[place] for place in one.clique): Z_95 * one.sigma for one in self.draws}

    def as_json(self) -> dict[str, object]:
        """Return the plan as plain JSON values; everything in it is public."""
        names = self.method.domain.names
        return {
            "population": self.population,
            "rho": micro_text(self.charge_micro),
            "delta": str(self.delta),
            "epsilon": self.epsilon,
            "query_hash": self.query_hash,
            "cliques_source": self.method.cliques_source,
            "columns": {column.column: column.source for column in self.method.domain.columns},
            "marginals": [
                {
                    "columns": [names[place] for place in draw.clique],
                    "sigma": draw.sigma,
                    "rho": micro_text(draw.rho_micro),
                }
                for draw in self.draws
            ],
            "selection_rounds": len(self.rounds),
            "selection": [
                {"scale": one.scale, "rho": micro_text(one.rho_micro + one.measure.rho_micro)} for one in self.rounds
            ],
            "acceptance": None
            if self.accept is None
            else {"sigma": self.accept.sigma, "rho": micro_text(self.accept.rho_micro)},
            "criteria": [one.model_dump(mode="json") for one in self.criteria],
            "impossible": [
                {"columns": list(one.columns), "combinations": len(one.combinations), "source": one.source}
                for one in self.method.domain.impossible
            ],
        }


def plan_synthetic(method: SyntheticMethod, *, policy_digest: str, snapshot_digest: str) -> SyntheticPlan:
    """Plan a synthetic table: share the loss, derive every scale, and refuse what could not be drawn.

    Args:
        method: Domain, cliques and shares; all public.
        policy_digest: Digest of what a human approved.
        snapshot_digest: Digest of the data that will be read; not part of `query_hash`.

    Raises:
        PolicyError: The domain is wrong, shares do not sum to 1, a share is below one micro-ρ a draw, a clique has too many
            cells, or the model would be too large.

    Guarantee: `loss_micro` ≤ `charge_micro`; both follow from public facts alone.
    """
    check_domain(method.domain)
    _check_shares(method)
    cliques = _cliques(method)
    charge = int((method.budget.release_rho * MICRO).to_integral_value(rounding=ROUND_CEILING))
    alone = [(place,) for place in range(len(method.domain.columns))]
    draws = _equal(alone, method.columns_share * method.budget.release_rho)
    draws += _equal(cliques, method.cliques_share * method.budget.release_rho)
    made = SyntheticPlan(
        method=method,
        population=method.budget.population,
        charge_micro=charge,
        delta=method.budget.delta,
        epsilon=epsilon_of(charge, delta=method.budget.delta),
        policy_digest=policy_digest,
        snapshot_digest=snapshot_digest,
        query_hash=_hash(method, policy_digest),
        draws=draws,
        rounds=_rounds(method.selection, method.budget.release_rho),
        accept=_accept(method),
    )
    if made.loss_micro > charge:
        raise PolicyError(
            "dp.plan-above-charge",
            what="the draws would lose more than is charged",
            why=f"mapped {made.loss_micro}, charged {charge} micro-ρ",
            fix="let the shares sum to 1",
        )
    return made


def _check_shares(method: SyntheticMethod) -> None:
    parts = [method.columns_share, method.cliques_share]
    parts += [part.share for part in (method.selection, method.acceptance) if part is not None]
    limits = paid_limits(method.acceptance.criteria) if method.acceptance else ()
    if method.acceptance and bool(limits) != (method.acceptance.share > 0):
        raise _refused(
            "a criterion that reads real people without a share, or a share for none", "pay for what reads people"
        )
    if sum(parts, Decimal(0)) != 1 or min(parts) < 0 or method.columns_share == 0:
        raise _refused("the shares of ρ do not sum to 1, or one is negative", "let the shares sum to 1")
    if (method.cliques_share > 0) != bool(method.cliques):
        raise _refused("cliques without a share, or a share without cliques", "give both or neither")
    if len(method.cliques_source) < 4:
        raise _refused("the cliques have no source", "say where they come from; never from the data")
    if method.selection and not (1 <= method.selection.rounds <= 100 and 2 <= method.selection.most_columns <= 3):
        raise _refused("a selection of no rounds, over 100, or of marginals that are not 2 or 3 wide", "ask for less")
    if method.rows is not None and method.rows < 1:
        raise _refused("fewer than one synthetic person", "ask for one or more rows, or leave rows out")


def _cliques(method: SyntheticMethod) -> list[Clique]:
    cliques = [method.domain.places(names) for names in method.cliques]
    criteria = method.acceptance.criteria if method.acceptance else ()
    # The others compare what rows have, so a group of theirs may have any number of cells.
    named = [(one, method.domain.places(names)) for one in criteria for names in groups_of(one)]
    groups = [places for one, places in named if isinstance(one, MarginalError)]
    if any(len(clique) < 2 for clique in cliques) or len(set(cliques)) != len(cliques):
        raise _refused("a clique of one column, or one clique twice", "single columns are measured anyway")
    zeros = [clique for clique, _ in method.domain.zeros()]
    largest = max((cells_of(clique, method.domain.sizes) for clique in [*cliques, *groups]), default=0)
    whole = tree_cells(method.domain.sizes, [*cliques, *zeros])
    if largest > MAX_CELLS or whole > method.max_cells:
        raise PolicyError(
            "dp.too-many-cells",
            what=f"a clique has {largest:,} cells (at most {MAX_CELLS:,}), the model {whole:,} (at most {method.max_cells:,})",
            why="every cell gets its own noise, and cliques that form a ring are held together in memory",
            fix="use fewer or smaller cliques, or coarser bins",
        )
    return cliques


def _draw(clique: Clique, *, squared: int, share_micro: int) -> Draw:
    if share_micro < 1:
        raise PolicyError(
            "dp.share-too-small",
            what="a marginal of the synthetic table gets less than one micro-ρ",
            why="losses are accounted in whole micro-ρ",
            fix="measure fewer marginals, or raise the share or release_rho",
        )
    sensitivity = distance_at_least(squared)
    sigma = sigma_for(sensitivity, rho_micro=share_micro)
    return Draw(clique, sensitivity, sigma, share_micro, math.ceil(loss_of(sigma, sensitivity=sensitivity) * MICRO))


def _equal(cliques: Sequence[Clique], rho: Decimal) -> tuple[Draw, ...]:
    # Every person is in exactly one cell of a marginal: its L2 sensitivity is 1.
    return tuple(_draw(clique, squared=1, share_micro=int(rho * MICRO / len(cliques))) for clique in cliques)


def _rounds(selection: Selection | None, release_rho: Decimal) -> tuple[Round, ...]:
    if selection is None:
        return ()
    each = selection.share * release_rho * MICRO / selection.rounds
    choosing = int(each * CHOOSING)
    measure = _draw((), squared=1, share_micro=int(each) - choosing if choosing else 0)
    scale = scale_for(choosing)
    return (Round(scale, choosing, math.ceil(choice_loss(scale) * MICRO), measure),) * selection.rounds


def _accept(method: SyntheticMethod) -> Draw | None:
    limits = paid_limits(method.acceptance.criteria) if method.acceptance else ()
    if method.acceptance is None or not limits:
        return None
    # One person moves each number by at most 1.
    share = int(method.acceptance.share * method.budget.release_rho * MICRO)
    return _draw((), squared=len(limits), share_micro=share)


def _hash(method: SyntheticMethod, policy_digest: str) -> str:
    question = {"schema": "niji/dp-synthetic/v1", "policy": policy_digest, **asdict(method)}
    question["budget"] = method.budget.model_dump(mode="json")
    question["acceptance"] = method.acceptance and {
        "share": method.acceptance.share,
        "criteria": [one.model_dump(mode="json") for one in method.acceptance.criteria],
    }
    text = json.dumps(question, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _refused(what: str, fix: str) -> PolicyError:
    return PolicyError(
        "dp.synthetic-plan",
        what=what,
        why="what is drawn, and what it costs, must be settled before a row is read",
        fix=fix,
    )
