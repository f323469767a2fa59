"""The plan of a differentially private release: cells, bounds, scales, losses, expected errors. Reads no data.

Everything here follows from the policy alone, so it can be shown, reviewed and charged before a row is read.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from anonymization.dp.mechanism import MICRO, epsilon_of
from anonymization.dp.queries.vocabulary import KINDS
from anonymization.dp.query_plan import (
    REFERENCE_ROWS,
    Z_95,
    NoisePart,
    Quantity,
    QueryPlan,
    Units,
    delta_text,
    mean_error,
    micro_text,
    special_json,
    threshold_part,
    units_json,
)
from anonymization.dp.threshold import DELTA_UNITS
from policies.errors import PolicyError
from policies.model.dp_queries import PUBLISHED
from policies.model.method import DpQuery, DpStatistics

__all__ = [
    "MAX_CELLS",
    "REFERENCE_ROWS",
    "Z_95",
    "DpPlan",
    "NoisePart",
    "Quantity",
    "QueryPlan",
    "Units",
    "delta_text",
    "mean_error",
    "micro_text",
    "plan",
]

MAX_CELLS = 200_000
"""Cells of one query; a discrete Gaussian draw takes about 13 µs."""


@dataclass(frozen=True, slots=True)
class DpPlan:
    """A whole release before it is run: what it is charged, and what each query will be worth.

    The release is (`epsilon`, `delta`): `delta` is all of δ, that which converts ρ to ε and that of thresholds of private keys.

    `query_hash` names the question (policy digest, bounds, keys, losses); together with `snapshot_digest` it is what
    the ledger recognizes a repeat by. A changed policy is a new question and is charged again.
    """

    population: str
    charge_micro: int
    cap_micro: int
    delta: Decimal
    epsilon: float
    policy_digest: str
    snapshot_digest: str
    query_hash: str
    queries: tuple[QueryPlan, ...]
    conversion_delta: Decimal = Decimal(0)

    @property
    def delta_units(self) -> int:
        """The δ of all thresholds by OpenDP's own map, in units of 10⁻¹⁵, rounded up: what the account is charged."""
        return sum(query.delta_units for query in self.queries)

    def as_json(self) -> dict[str, object]:
        """Return the plan as plain JSON values; everything in it is public."""
        return {
            "population": self.population,
            "rho": micro_text(self.charge_micro),
            "population_rho_cap": micro_text(self.cap_micro),
            "delta": str(self.delta),
            "delta_of_conversion": str(self.conversion_delta),
            "delta_of_thresholds": delta_text(self.delta_units),
            "epsilon": self.epsilon,
            "query_hash": self.query_hash,
            "queries": [query.as_json() for query in self.queries],
        }


def plan(method: DpStatistics, *, policy_digest: str, snapshot_digest: str) -> DpPlan:
    """Plan a release: share the loss, derive each scale from its sensitivity, and say the error to expect.

    The charge is the policy's ρ rounded up to whole micro-ρ, shares and cap are rounded down, so the parts never sum to
    more than what is charged. A mean splits its share evenly between its sum and its count.

    Args:
        method: The method of the release policy.
        policy_digest: Digest of the release policy.
        snapshot_digest: Digest of the data that will be read; not part of `query_hash`.

    Raises:
        PolicyError: Keys repeat, a clip does not lie on its grid, a share is below one micro-ρ, or there are too many
            cells.

    Guarantee: the sum of the losses by OpenDP's own map is at most `charge_micro`.
    Not guaranteed: that the budget has room; the ledger says so when it is charged.

    Source: Bun & Steinke 2016 (losses add); L2 sensitivity √K · bound for K cells a person.
    """
    charge = _micro(method.budget.release_rho, up=True)
    rho, people = method.budget.release_rho, method.budget.people_at_most
    queries = tuple(_query(query, share_micro=_share(query, rho), people=people) for query in method.queries)
    planned = sum(part.rho_micro for query in queries for part in query.parts)
    lost = sum(part.loss_micro for query in queries for part in query.parts)
    if planned > charge or lost > charge:
        raise PolicyError(
            "dp.plan-above-charge",
            what="the queries would lose more than the release is charged",
            why=f"planned {planned}, mapped {lost}, charged {charge} micro-ρ",
            fix="let the rho_share of all queries sum to 1",
        )
    return DpPlan(
        population=method.budget.population,
        charge_micro=charge,
        cap_micro=_micro(method.budget.population_rho_cap, up=False),
        delta=method.budget.delta + Decimal(sum(query.delta_units for query in queries)) / DELTA_UNITS,
        conversion_delta=method.budget.delta,
        epsilon=epsilon_of(charge, delta=method.budget.delta),
        policy_digest=policy_digest,
        snapshot_digest=snapshot_digest,
        query_hash=_hash(method, policy_digest, charge, queries),
        queries=queries,
    )


def _micro(rho: Decimal, *, up: bool) -> int:
    return int((rho * MICRO).to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR))


def _share(query: DpQuery, release_rho: Decimal) -> int:
    share = _micro(query.rho_share * release_rho, up=False)
    needed = 2 if query.statistic == "mean" else 1
    if share < needed:
        raise PolicyError(
            "dp.share-too-small",
            what=f"query '{query.name}' gets less than {needed} micro-ρ",
            why="losses are accounted in whole micro-ρ, and a mean needs one for its sum and one for its count",
            fix="raise its rho_share, or release_rho",
        )
    return share


def _query(query: DpQuery, *, share_micro: int, people: int | None) -> QueryPlan:
    _check_keys(query)
    kind = KINDS[query.statistic]
    frame = kind.frame(query)
    if query.private_keys is not None:  # how many cells there are is read from the data: only the declared bound holds
        frame = replace(frame, cells_per_person=query.bounds.cells_per_person)
    if frame.cells > MAX_CELLS:
        raise PolicyError(
            "dp.too-many-cells",
            what=f"query '{query.name}' has {frame.cells:,} cells, more than {MAX_CELLS:,}",
            why="every cell gets its own noise, empty or not",
            fix="group by fewer columns, or by coarser keys",
        )
    # The first vectors get whole even shares, the last what is left: no micro-ρ is lost or spent twice.
    even = share_micro // len(frame.split)
    shares = [even] * (len(frame.split) - 1) + [share_micro - even * (len(frame.split) - 1)]
    threshold = None
    if query.private_keys is None:
        parts = tuple(
            kind.noise(query, frame, quantity, share) for quantity, share in zip(frame.split, shares, strict=True)
        )
    else:
        part, threshold = threshold_part(query, frame, frame.split[0], rho_micro=share_micro)
        parts = (part,)
    expected = kind.expect(query, frame, parts)
    return QueryPlan(
        name=query.name,
        statistic=query.statistic,
        table=query.table,
        by=frame.by,
        value=frame.value,
        units=frame.units,
        cells=0 if query.private_keys else frame.cells,
        cells_per_person=frame.cells_per_person,
        rows_per_person_per_cell=frame.rows_per_person_per_cell,
        bounds_source=query.bounds.source,
        clip_source=query.clip.source if query.clip else None,
        parts=parts,
        error_95=expected.error_95,
        error_for=expected.of,
        asked=query,
        instead=expected.instead,
        private=query.private_columns,
        most_cells=query.bounds.cells_per_person * (people or 0) if query.private_keys else 0,
        threshold=threshold,
    )


def _check_keys(query: DpQuery) -> None:
    by, name = query.by, query.name
    figures = sorted(set(query.grouped) & set(PUBLISHED[query.statistic]))
    if figures:  # the policy's form refuses it as well; a plan may be made of a query that never was in a file
        raise PolicyError(
            "dp.key-named-like-figure",
            what=f"query '{name}' groups by a column named like a published figure: {', '.join(figures)}",
            why="one of the two would overwrite the other in the published table",
            fix="give the column another output name (`as`)",
        )
    # A repeated key would count a row twice in the join, which doubles the true sensitivity.
    columns = [key.column for key in by]
    repeated = [key.column for key in by if len(set(key.values)) != len(key.values)]
    if len(set(columns)) != len(columns) or repeated:
        raise PolicyError(
            "dp.repeated-key",
            what=f"query '{name}' repeats a grouping column or a value of one",
            why="a row that falls in two cells at once moves the release more than its noise covers",
            fix="write each grouping column and each of its values once",
        )


def _hash(method: DpStatistics, policy_digest: str, charge: int, queries: Sequence[QueryPlan]) -> str:
    question = {
        "schema": "niji/dp-question/v1",
        "policy": policy_digest,
        "population": method.budget.population,
        "neighbouring": method.neighbouring,
        "mechanism": method.mechanism,
        "charge_micro": charge,
        "queries": [
            {
                "name": query.name,
                "statistic": query.statistic,
                "table": query.table,
                "by": [[key.column, list(key.values)] for key in query.by],
                "value": query.value,
                "units": None if query.units is None else units_json(query.units, None),
                "cells_per_person": query.cells_per_person,
                "rows_per_person_per_cell": query.rows_per_person_per_cell,
                "parts": [[part.quantity, part.rho_micro] for part in query.parts],
            }
            | _special(query)
            | _private(query)
            for query in queries
        ],
    }
    text = json.dumps(question, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _private(query: QueryPlan) -> dict[str, object]:
    if query.threshold is None:
        return {}
    columns = [[key.column, key.max_length] for key in query.private]
    return {"private": columns, "threshold_delta": str(query.threshold.delta.normalize())}


def _special(query: QueryPlan) -> dict[str, object]:
    """Return what only some statistics are asked with; the name of a question without it stays what it was."""
    special = special_json(query.asked)
    return {"asked": special} if special else {}
