"""What libraries get wrong on these data, and our path does not; one test for each bug of the reference, sections 2.2 and 2.3.

Numbers are of OpenDP's tracker, where the bug has one. Nothing here goes through OpenDP's Polars planner, and that is a test too.
"""

import ast
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from anonymization.dp.bounding import bounded_cells
from anonymization.dp.mechanism import draw, loss_of, sigma_for
from anonymization.dp.plan import QueryPlan
from policies.errors import DataError, PolicyError
from tests.support.dp_methods import BOUNDING_KEY, REGIONS, Row, Rows, planned, query, visits

DP = Path(__file__).resolve().parents[3] / "anonymization" / "dp"
EVERYWHERE: list[Row] = [("p1", region, year, 6.0) for region in REGIONS for year in (2023, 2024)]


def plan_of(statistic: str, **settings: object) -> QueryPlan:
    return planned([query(statistic, **settings)], rho="0.5").queries[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("cells", [1, 2, 5, 6])
def test_a_person_keeps_k_cells_not_one_less(cells: int) -> None:
    """`truncate_num_groups(k)` keeps k - 1 groups, none for k = 1, and pays for k."""
    asked = plan_of("people", cells=cells)
    assert bounded_cells(visits(EVERYWHERE), asked, key=BOUNDING_KEY)["people"].sum() == cells
    assert asked.parts[0].sensitivity == pytest.approx(cells**0.5)


def test_the_choice_favors_no_key() -> None:
    """`keep="sample"` crashes, and "first" always keeps the smallest keys."""
    rows = [(f"p{n}", region, year, None) for n in range(600) for region in REGIONS for year in (2023, 2024)]
    found = bounded_cells(visits(rows), plan_of("people", cells=2), key=BOUNDING_KEY)["people"]
    # 200 people expected in each of six cells; six standard deviations are 70.
    assert found.sum() == 1_200
    assert abs(found - 200).max() < 70


def test_noise_on_empty_cells_is_negative_half_of_the_time() -> None:
    """Unsigned counts clamp at zero, which adds people on average."""
    drawn = draw([0] * 2_000, sigma=10.0, sensitivity=1.0, rho_micro=5_001)
    assert min(drawn) < -10
    assert abs(sum(drawn)) < 6 * 10 * 2_000**0.5


def test_text_that_is_no_number_is_not_counted_as_one_and_costs_what_others_cost() -> None:
    """2938: a non-strict cast keeps "not null", and the count of what could be cast was released for nothing."""
    asked = plan_of("mean")
    assert all(part.loss_micro > 0 for part in asked.parts)
    table = pa.table({"__person": ["p1", "p2"], "region": ["north"] * 2, "year": [2023] * 2, "hba1c": ["6.0", "x7"]})
    with pytest.raises(DataError) as refused:
        bounded_cells(Rows(ibis.memtable(table)), asked, key=BOUNDING_KEY)
    assert refused.value.code == "dp.engine-failed"
    assert "x7" not in str(refused.value)


def test_nan_and_missing_values_are_in_no_cell_of_a_mean() -> None:
    """2939: `cut` turns NaN into null and keeps "not null"."""
    rows: list[Row] = [("p1", "north", 2023, float("nan")), ("p2", "north", 2023, None), ("p3", "north", 2023, 9.0)]
    found = bounded_cells(visits(rows), plan_of("mean"), key=BOUNDING_KEY)
    assert (found["rows"].tolist()[0], found["sum"].tolist()[0]) == (1, 0)


def test_a_cell_s_number_comes_from_the_declared_keys_not_from_the_rows() -> None:
    """2944: `cut().to_physical()` numbers what it meets first, so a person's rows renumber everybody's."""
    others: list[Row] = [("p2", "south", 2024, None)] * 3
    for first in (("p1", "east", 2023, None), ("p1", "west", 2024, None), ("p1", None, None, None)):
        found = bounded_cells(visits([first, *others]), plan_of("people"), key=BOUNDING_KEY)["people"]
        assert found.tolist()[3] == 1
        assert found.sum() == (2 if first[1] == "east" else 1)


def test_one_person_moves_a_cell_by_one_whatever_a_column_was_before() -> None:
    """2949: a truncated column that was redefined kept its old bounds; one patient moved a cell by 100 at ρ = 0.5."""
    crowded: list[Row] = [("p1", "north", 2023, 6.0)] * 100
    asked = plan_of("people", cells=1)
    table = visits([*crowded, ("p2", "north", 2023, 6.0)]).rows
    redefined = Rows(table.mutate(region=ibis.literal("north"), year=ibis.literal(2023)))
    assert bounded_cells(redefined, asked, key=BOUNDING_KEY)["people"].tolist()[0] == 2
    assert Fraction(asked.parts[0].loss_micro, 1_000_000) >= loss_of(asked.parts[0].sigma, sensitivity=1.0)


def test_single_precision_neither_overflows_nor_escapes_the_clip() -> None:
    """2941: a cast to Float32 is taken for one to f64, and the sum overflows its sensitivity."""
    asked = plan_of("sum", rows=1)
    values = pa.array([3.4e38, 16_777_217.0, -3.4e38, float("inf")], pa.float32())
    table = pa.table({"__person": list("abcd"), "region": ["north"] * 4, "year": [2023] * 4, "hba1c": values})
    found = bounded_cells(Rows(ibis.memtable(table)), asked, key=BOUNDING_KEY)["sum"].tolist()
    # Clipped to 3 … 15 on a grid of 0.1: three at the top, one at the bottom.
    assert found[0] == 150 + 150 + 30 + 150


def test_the_order_of_float_rows_does_not_move_a_sum() -> None:
    """Sums of floats round by their order; sums of grid units do not."""
    values = [0.1 * n for n in range(30, 150)]
    rows: list[Row] = [(f"p{n}", "north", 2023, value) for n, value in enumerate(values)]
    asked = plan_of("sum")
    forward = bounded_cells(visits(rows), asked, key=BOUNDING_KEY)["sum"].tolist()
    assert bounded_cells(visits(rows[::-1]), asked, key=BOUNDING_KEY)["sum"].tolist() == forward
    assert forward[0] == sum(range(30, 150))


def test_an_impossible_year_is_in_no_cell_and_stops_nothing() -> None:
    """2942: `dt.year()` aborts on a bad date, which tells that somebody has one."""
    rows: list[Row] = [("p1", "north", -(2**62), None), ("p2", "north", 2023, None)]
    assert bounded_cells(visits(rows), plan_of("people"), key=BOUNDING_KEY)["people"].tolist() == [1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("rho_micro", [1, 3, 7, 15_000, 54_539, 333_333, 999_999])
def test_every_share_of_a_budget_has_a_scale_and_is_never_overdrawn(rho_micro: int) -> None:
    """2789: a budget split in floats is missed by one step, and the release fails or overspends."""
    for cells in (1, 3, 28):
        sensitivity = cells**0.5
        sigma = sigma_for(sensitivity, rho_micro=rho_micro)
        assert loss_of(sigma, sensitivity=sensitivity) <= Fraction(rho_micro, 1_000_000)
        assert draw([5], sigma=sigma, sensitivity=sensitivity, rho_micro=rho_micro)


def test_thirds_of_a_budget_sum_to_no_more_than_the_charge() -> None:
    shares = ("0.3333333333", "0.3333333333", "0.3333333334")
    three = planned([query("people", name=f"q{n}", share=share) for n, share in enumerate(shares)], rho="0.05")
    lost = sum(part.loss_micro for asked in three.queries for part in asked.parts)
    assert lost <= three.charge_micro == 50_000


def test_a_huge_or_negative_budget_is_refused_before_any_arithmetic() -> None:
    """An ε of a million overflows inside the library."""
    for rho in ("1000000", "0", "-1", "NaN"):
        with pytest.raises((PolicyError, ValueError)):
            planned([query("people")], rho=rho)
    assert planned([query("people")], rho="0.05").epsilon < 10
    assert planned([query("people")], rho="0.05").delta == Decimal("0.00000001")


DENIED = (
    "polars",
    "make_private_lazyframe",
    "truncate_num_groups",
    "to_physical",
    "honest-but-curious",
    "idealized-numerics",
)
CHANCE = {"random", "numpy.random", "secrets", "uuid"}


def sources() -> list[Path]:
    return sorted(path for path in DP.rglob("*.py") if "synthetic" not in path.parts)


def test_the_planner_with_the_open_bugs_is_not_used() -> None:
    """The whole of OpenDP's Polars planner, unsafe features and plans serialized by others."""
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            called = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("enable_features")
            names += [ast.literal_eval(argument) for argument in node.args] if called else []  # type: ignore[attr-defined]
            found += [f"{path.name}: {name}" for name in names if name.split(".")[0] in DENIED]
    assert len(sources()) > 4
    assert found == []


def drawn_elsewhere(source: str) -> set[str]:
    """Return the sources of chance that a module imports or reaches, other than the library's own."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Attribute):
            names.add(ast.unparse(node).replace("np.", "numpy."))
    return {name for name in names if name in CHANCE or name.rsplit(".", 1)[0] in CHANCE}


def test_all_chance_in_a_private_release_is_the_library_s() -> None:
    """Hazard 8 of the reference: numpy's noise, a seed, or a way to hand one in."""
    assert {path.name: drawn_elsewhere(path.read_text("utf-8")) for path in sources() if drawn_elsewhere(path.read_text("utf-8"))} == {}  # fmt: skip


@pytest.mark.parametrize(
    "source",
    ["import random", "from numpy.random import default_rng", "from numpy import random", "import secrets",
     "import numpy as np\nx = np.random.default_rng(1)", "from secrets import randbits"],
)  # fmt: skip
def test_the_search_for_other_chance_finds_it(source: str) -> None:
    assert drawn_elsewhere(source)
