"""From pseudonymized tables through the treatments to bounded cells: the unit stays the person."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from anonymization.dp.bounding import bounded_cells
from anonymization.dp.plan import plan
from anonymization.dp.release import measure
from anonymization.treat import treat_tables
from tests.support.dp_methods import BOUNDING_KEY
from tests.support.hospital_tables import (
    admissions_columns,
    admissions_rows,
    drop,
    hierarchies,
    keep,
    person,
    pseudonymized,
    raw_admissions,
    release,
    release_table,
    treated,
)

BUDGET = {
    "population": "tiny",
    "population_rho_cap": "1",
    "release_rho": "0.5",
    "delta": "0.000001",
    "period_from": date(2026, 1, 1),
    "period_to": date(2027, 1, 1),
    "approved_by": "test",
}
DEPARTMENTS = {"column": "department", "values": ["内科", "外科", "小児科", "眼科"], "source": "codebook"}
SEXES = {"column": "sex", "values": ["1", "2"], "source": "codebook"}


def asked(name: str, statistic: str, by: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    bounds = {"cells_per_person": 1, "rows_per_person_per_cell": 1, "source": "protocol"}
    title = {"ja": name, "en": name}
    return {
        "name": name,
        "title": title,
        "statistic": statistic,
        "table": "admissions",
        "by": by,
        "bounds": bounds,
    } | more


CLIP = {"low": "30", "high": "120", "grid": "5", "source": "guideline"}
METHOD = {
    "kind": "dp_statistics",
    "unit": "person",
    "neighbouring": "add_remove",
    "accountant": "zcdp",
    "mechanism": "discrete_gaussian",
    "budget": BUDGET,
    "queries": [
        asked("by-department", "people", [DEPARTMENTS, SEXES], rho_share="0.5"),
        asked("weight", "mean", [SEXES], rho_share="0.5", value="weight_kg", clip=CLIP),
    ],
}
PATIENTS = [drop("patient_no"), drop("name"), keep("sex"), drop("birth_date"), drop("address"), drop("insured_number")]
ADMISSIONS = [
    *(column for column in admissions_columns() if column["name"] not in {"admission_id", "discharge_date"}),
    drop("admission_id"),
    treated("discharge_date", {"op": "drop_column"}),
]
RELEASE = release([release_table("patients", PATIENTS), release_table("admissions", ADMISSIONS)], METHOD)
PLAN = plan(RELEASE.method, policy_digest="sha256:00", snapshot_digest="sha256:11")  # type: ignore[arg-type]


def treat(without: str | None = None) -> Any:
    rows = {
        name: _without(columns, without) if "patient_no" in columns else columns
        for name, columns in admissions_rows().items()
    }
    source = pseudonymized(raw_admissions(rows))
    return treat_tables(RELEASE, {"admissions": source}, hierarchies=hierarchies())


def _without(columns: dict[str, list[Any]], gone: str | None) -> dict[str, list[Any]]:
    keep_row = [number != gone for number in columns["patient_no"]]
    return {name: [v for v, kept in zip(values, keep_row, strict=True) if kept] for name, values in columns.items()}


@pytest.mark.parametrize("gone", [person(1), person(2), person(7)])
def test_a_person_gone_from_all_source_tables_moves_the_cells_within_the_bounds(gone: str) -> None:
    whole, rest = treat()["admissions"], treat(without=gone)["admissions"]
    for query in PLAN.queries:
        before, after = (bounded_cells(table, query, key=BOUNDING_KEY) for table in (whole, rest))
        for part in query.parts:
            moved = np.abs(before[part.quantity] - after[part.quantity])
            assert np.count_nonzero(moved) <= query.cells_per_person
            assert moved.max() <= part.cell_bound
            if part.quantity != "sum":
                assert moved.sum() > 0


def test_the_release_has_one_table_a_query_with_the_whole_public_grid() -> None:
    made = measure(RELEASE, treat(), plan=PLAN, bounding_key=BOUNDING_KEY)
    assert set(made.tables) == {"by-department", "weight"}
    table = made.tables["by-department"]
    assert table.num_rows == 8
    assert "眼科" in table.column("department").to_pylist()
    assert repr(made.tables["weight"].column_names) == repr(
        ["sex", "noisy_sum", "noisy_count", "noisy", "value", "error_95"]
    )
