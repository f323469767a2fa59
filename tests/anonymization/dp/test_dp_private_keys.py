"""Private keys: the split of δ, bounded counts over keys that nobody listed, and what is named of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.dp.conversion import epsilon_shown, rho_for
from anonymization.dp.mechanism import epsilon_of
from anonymization.dp.plan import DpPlan, QueryPlan, plan
from anonymization.dp.private_keys import PresentCells, named_table, present_cells
from anonymization.dp.release import measure, query_cells
from anonymization.dp.threshold import plan_private, plan_threshold
from anonymization.release_checks.noisy import recount_noisy
from anonymization.tables import NoisyAggregate
from policies.errors import DataError, PolicyError
from policies.model.method import DpStatistics
from tests.support.dp_methods import BOUNDING_KEY, VISITS_TABLE, Rows, any_release, method

Visit = tuple[str | None, str | None, str | None]
"""A person, a region (public) and a diagnosis (private)."""


def asked(statistic: str = "people", *, cells: int = 2, rows: int = 1, delta: str = "0.00000001") -> DpStatistics:
    query = {
        "name": "diagnoses",
        "title": {"ja": "傷病", "en": "Diagnoses"},
        "statistic": statistic,
        "table": "visits",
        "by": [{"column": "region", "values": ["north", "south"], "source": "codebook v7"}],
        "private_keys": {
            "columns": [{"column": "diagnosis", "max_length": 4}],
            "threshold_delta": delta,
            "source": "the hospitals write free codes",
        },
        "bounds": {"cells_per_person": cells, "rows_per_person_per_cell": rows, "source": "protocol 4.2"},
        "rho_share": "1",
    }
    body = method([{**query, "private_keys": None}]).model_dump(mode="json")
    budget = {**body["budget"], "people_at_most": 100_000, "population_delta_cap": "0.0000001"}
    return DpStatistics.model_validate({**body, "budget": budget, "queries": [query]})


def planned(made: DpStatistics) -> DpPlan:
    return plan(made, policy_digest="sha256:00", snapshot_digest="sha256:11")


def query_of(made: DpStatistics) -> QueryPlan:
    return planned(made).queries[0]


def visits(rows: Sequence[Visit]) -> Rows:
    names = ("__person", "region", "diagnosis")
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return Rows(ibis.memtable(pa.table([pa.array(each, pa.string()) for each in columns], names=names)))


def counts(cells: PresentCells) -> dict[tuple[str, ...], int]:
    return {cells.keys[place]: count for place, count in cells.counts.items()}


MANY: list[Visit] = [(f"p{n}", ("north", "south")[n % 2], f"D{n % 3}") for n in range(1_200)]


def test_delta_is_split_where_the_threshold_is_lowest_and_the_whole_stays_within_epsilon() -> None:
    epsilon, delta = Decimal(1), Decimal("0.000001")
    best = plan_private(epsilon, delta, cells_per_person=20, cell_bound=1)
    others = [
        plan_threshold(
            cells_per_person=20,
            cell_bound=1,
            rho_micro=rho_for(epsilon, delta=delta - delta * part),
            delta=delta * part,
        )
        for part in (Decimal("0.05"), Decimal("0.5"), Decimal("0.95"))
    ]
    assert all((best.threshold, best.sigma) <= (other.threshold, other.sigma) for other in others)
    # The reference's problem: a threshold of 115 at a scale of 20.88 with halves.
    assert (best.threshold, round(best.sigma, 2)) == (115, 20.65)
    assert best.epsilon(delta=delta) <= 1


@pytest.mark.parametrize("rho_micro", [1, 22_893, 10_000_000])
@pytest.mark.parametrize("delta", ["0.0009", "0.00000001", "0.000000000000001"])
def test_epsilon_of_a_page_is_that_of_opendp(rho_micro: int, delta: str) -> None:
    assert epsilon_shown(rho_micro, delta=Decimal(delta)) == epsilon_of(rho_micro, delta=Decimal(delta))
    assert epsilon_shown(0, delta=Decimal(delta)) == 0


def test_only_texts_that_are_there_short_enough_and_under_public_keys_are_counted() -> None:
    rows: list[Visit] = [
        ("a", "north", "D1"), ("a", "north", "D1"), ("b", "north", "D1"), ("b", "south", "D2"),
        ("c", "north", None), ("c", None, "D1"), ("c", "west", "D1"), ("d", "north", "long5"), ("e", "north", "four"),
        ("f", "north", "D\x1f1"),
    ]  # fmt: skip
    found = present_cells(visits(rows), query_of(asked()), key=BOUNDING_KEY)
    assert counts(found) == {("north", "D1"): 2, ("north", "four"): 1, ("south", "D2"): 1}
    assert list(found.keys) == sorted(found.keys)
    # Rows instead of people: at most as many of a person in a cell as are declared.
    rows = [("a", "north", "D1")] * 5 + [("b", "north", "D1")]
    assert counts(present_cells(visits(rows), query_of(asked("rows", rows=3)), key=BOUNDING_KEY)) == {
        ("north", "D1"): 4
    }


_VISITS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["north", "south", "west"]), st.sampled_from(["D1", "D2", "D3", "long5", None])),
    max_size=14,
)  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(_VISITS, st.integers(1, 3), st.integers(1, 2))
def test_one_person_moves_few_cells_by_little_and_nobody_elses_choice(
    rows: list[Visit], cells: int, per_cell: int
) -> None:
    query = query_of(asked("rows", cells=cells, rows=per_cell))
    whole = counts(present_cells(visits(rows), query, key=BOUNDING_KEY))
    alone = Counter[tuple[str, ...]]()
    for person in "ab":
        own = [row for row in rows if row[0] == person]
        held = Counter(
            (region, code) for _, region, code in own if region in {"north", "south"} and code and len(code) <= 4
        )
        kept = counts(present_cells(visits(own), query, key=BOUNDING_KEY))
        # Of what the person has, as many cells as are allowed, each as full as is allowed.
        assert len(kept) == min(len(held), cells)
        assert all(kept[cell] == min(held[cell], per_cell) for cell in kept)  # type: ignore[index]  # texts only
        alone.update(kept)
    # People add up: so each one's choice is the same with and without all others, in any order.
    assert whole == dict(alone)
    assert counts(present_cells(visits(rows[::-1]), query, key=BOUNDING_KEY)) == whole


def test_another_secret_chooses_other_cells_and_no_key_is_favored() -> None:
    query = query_of(asked(cells=1))
    people: list[Visit] = [(f"p{n}", "north", code) for n in range(400) for code in ("A", "B", "C", "D")]
    first, second = (present_cells(visits(people), query, key=key) for key in (BOUNDING_KEY, b"another key, as long"))
    assert sum(first.counts.values()) == 400
    assert counts(first) != counts(second)
    # 100 each is meant; a binomial of 400 at 1/4 is outside 60 … 140 with a chance below 1e-5.
    assert all(60 < count < 140 for count in first.counts.values())


def test_large_keys_are_named_in_order_and_rare_ones_are_not() -> None:
    made = asked()
    rare: list[Visit] = [(f"r{n}", "north", f"R{n}") for n in range(300)]
    found = measure(release(made), {"visits": visits(rare[::-1] + MANY)}, plan=planned(made), bounding_key=BOUNDING_KEY)
    table = found.tables["diagnoses"]
    named = list(zip(table["region"].to_pylist(), table["diagnosis"].to_pylist(), strict=True))
    # 200 people each lie 38 scales above the threshold; a key of one person is named with a chance below 1e-8.
    assert named == [(region, f"D{n}") for region in ("north", "south") for n in range(3)]
    assert table.column_names == ["region", "diagnosis", "noisy", "value", "error_95"]
    assert all(abs(count - 200) < 60 for count in table["noisy"].to_pylist())
    assert all(check.passed for check in (*recount_noisy(found), *found.evidence.checks))


def release(made: DpStatistics) -> Any:
    return any_release(made.model_dump(mode="json"), tables=[VISITS_TABLE])


def test_nobody_gives_an_empty_table_and_a_row_of_nobody_is_refused() -> None:
    query = query_of(asked())
    empty = named_table(query, present_cells(visits([]), query, key=BOUNDING_KEY))
    assert (empty.num_rows, empty.schema.field("diagnosis").type) == (0, pa.string())
    with pytest.raises(DataError) as nobody:
        present_cells(visits([(None, "north", "D1")]), query, key=BOUNDING_KEY)
    assert nobody.value.code == "dp.row-without-person"
    assert "D1" not in str(nobody.value)
    with pytest.raises(PolicyError) as unknown:
        present_cells(Rows(visits(MANY).rows.drop("diagnosis")), query, key=BOUNDING_KEY)
    assert unknown.value.code == "dp.unknown-column"
    with pytest.raises(PolicyError) as caught:
        query_cells(visits(MANY), query, key=BOUNDING_KEY)
    assert caught.value.code == "dp.no-grid"


def test_plan_and_evidence_say_threshold_and_all_of_delta() -> None:
    made = asked()
    whole = planned(made)
    query = whole.queries[0]
    assert query.threshold is not None
    assert whole.delta_units == -(-Fraction(query.threshold.mapped_delta) * 10**15 // 1)  # rounded up
    assert whole.delta == Decimal("0.00000001") + Decimal(whole.delta_units) / 10**15 <= Decimal("0.00000002")
    assert (query.cells, query.most_cells) == (0, 200_000)
    shown: Any = whole.as_json()
    assert shown["queries"][0]["private_keys"]["named_above"] == query.threshold.threshold
    assert shown["queries"][0]["private_keys"]["absent_keys"] == "mean_nothing"
    assert shown["queries"][0]["cells"] is None
    found = measure(release(made), {"visits": visits(MANY)}, plan=whole, bounding_key=BOUNDING_KEY)
    assert found.evidence.delta == float(whole.delta)
    for text in (found.evidence.guarantee.ja, found.evidence.guarantee.en):
        assert str(query.threshold.threshold) in text
    assert "mean" in found.evidence.not_guaranteed.en
    # Another δ or another length is another question; queries by public keys are named as before.
    hashes = {planned(one).query_hash for one in (made, asked(delta="0.00000002"), asked("rows"))}
    assert len(hashes) == 3


def spoil(found: NoisyAggregate, **columns: Sequence[object]) -> NoisyAggregate:
    table = found.tables["diagnoses"]
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values, table.schema.field(name).type))
    return replace(found, tables={"diagnoses": table})


@pytest.fixture(scope="module")
def published() -> NoisyAggregate:
    made = asked()
    return measure(release(made), {"visits": visits(MANY)}, plan=planned(made), bounding_key=BOUNDING_KEY)


@pytest.mark.parametrize(
    ("columns", "failed"),
    [
        ({"diagnosis": ["D1", "D0", "D2", "D0", "D1", "D2"]}, "recount.named_keys.diagnoses"),  # not in order
        ({"diagnosis": ["D0", "D0", "D2", "D0", "D1", "D2"]}, "recount.named_keys.diagnoses"),  # one twice
        ({"diagnosis": ["D0", "D1", "longer", "D0", "D1", "D2"]}, "recount.named_keys.diagnoses"),
        ({"diagnosis": [None, "D1", "D2", "D0", "D1", "D2"]}, "recount.named_keys.diagnoses"),
        ({"region": ["east"] + ["north"] * 2 + ["south"] * 3}, "recount.named_keys.diagnoses"),
        ({"noisy": [200, 200, 27, 200, 200, 200]}, "recount.threshold.diagnoses"),  # at the threshold, not above
    ],
)
def test_recount_finds_what_should_not_be_named(
    published: NoisyAggregate, columns: Mapping[str, Sequence[object]], failed: str
) -> None:
    assert published.evidence.parameters["queries"][0]["private_keys"]["named_above"] == 27  # type: ignore[index]
    assert [check.name for check in recount_noisy(published) if not check.passed] == []
    assert [check.name for check in recount_noisy(spoil(published, **columns)) if not check.passed] == [failed]


@pytest.mark.parametrize(("key", "value"), [("named_above", 26), ("sigma", 4.0), ("sigma", 4.8), (None, None)])
def test_recount_finds_a_threshold_that_does_not_keep_delta_or_noise_that_is_too_small(
    published: NoisyAggregate, key: str | None, value: object
) -> None:
    shown = dict(published.evidence.parameters["queries"][0])  # type: ignore[index]
    if key == "named_above":
        shown["private_keys"] = {**shown["private_keys"], key: value}
    elif key == "sigma":
        shown["noise"] = [{**shown["noise"][0], key: value}]
    else:
        del shown["private_keys"]
    parameters = {**published.evidence.parameters, "queries": [shown]}
    changed = replace(published, evidence=replace(published.evidence, parameters=parameters))
    assert [check.name for check in recount_noisy(changed) if not check.passed] == ["recount.threshold.diagnoses"]


def test_a_key_named_like_a_figure_is_refused_in_a_plan_that_no_file_was_read_for() -> None:
    made = asked()
    strange = made.queries[0].by[0].model_copy(update={"column": "noisy"})
    query = made.queries[0].model_copy(update={"by": (strange,)})
    with pytest.raises(PolicyError) as caught:
        planned(made.model_copy(update={"queries": (query,)}))
    assert caught.value.code == "dp.key-named-like-figure"
