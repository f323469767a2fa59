"""Build a small domain, methods, plans and treated rows for synthetic people."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import ibis
import numpy as np
import pyarrow as pa

from anonymization.dp.synthetic.domain import Category, Domain, Impossible, Number
from anonymization.dp.synthetic.plan import SyntheticMethod, SyntheticPlan, plan_synthetic
from policies.model.method import DpBudget

KEY = b"a key of the tests, not a secret"
SCHEMA = pa.schema([("__person", pa.string()), ("sex", pa.string()), ("pregnant", pa.string()), ("age", pa.float64())])
DOMAIN = Domain(
    columns=(
        Category("sex", ("female", "male"), "codebook v7"),
        Category("pregnant", ("no", "yes"), "codebook v7"),
        Number("age", (Decimal(0), Decimal(18), Decimal(50), Decimal(110)), Decimal("0.5"), "protocol 4.2"),
    ),
    impossible=(Impossible(("pregnant", "sex"), (("yes", "male"),), "codebook v7"),),
)

Row = tuple[str | None, str | None, str | None, float | None]


@dataclass(frozen=True)
class Rows:
    """The smallest thing that has rows."""

    rows: ibis.Table


def budget(rho: str = "0.5") -> DpBudget:
    return DpBudget.model_validate(
        {
            "population": "demo",
            "population_rho_cap": "2",
            "release_rho": rho,
            "delta": "0.00000001",
            "period_from": "2026-01-01",
            "period_to": "2026-12-31",
            "approved_by": "board",
        }
    )


METHOD = SyntheticMethod(
    name="synthetic-cohort",
    table="people",
    domain=DOMAIN,
    cliques=(("sex", "pregnant"), ("sex", "age")),
    cliques_source="codebook v7",
    budget=budget(),
    columns_share=Decimal("0.4"),
    cliques_share=Decimal("0.6"),
)


def planned(**changes: object) -> SyntheticPlan:
    return plan_synthetic(replace(METHOD, **changes), policy_digest="sha256:00", snapshot_digest="sha256:11")  # type: ignore[arg-type]


def people(rows: Sequence[Row]) -> Rows:
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return Rows(ibis.memtable(pa.table(arrays, schema=SCHEMA)))


def cohort(size: int = 600) -> list[Row]:
    rows: list[Row] = []
    for number in range(size):
        sex = "female" if number % 3 else "male"
        age = [5.0, 30.0, 70.0, None][number % 4]
        pregnant = "yes" if sex == "female" and age == 30.0 else "no"
        rows.append((f"p{number}", sex, pregnant, age))
    return rows


def shares(counts: np.ndarray) -> np.ndarray:
    return counts / counts.sum()
