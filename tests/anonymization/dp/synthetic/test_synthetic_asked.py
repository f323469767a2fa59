"""From the policy to the table: the plan, features of a person's own rows, the released table, and its recount."""

from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.dp.synthetic.asked import domain_of, measure_synthetic, plan_asked
from anonymization.dp.synthetic.features import with_features
from anonymization.dp.synthetic.people import people_codes
from anonymization.release_checks.noisy import recount_noisy
from anonymization.tables import NoisyAggregate
from policies.errors import DataError, PolicyError
from tests.support.asked_synthetic import AGE, HAS, SEX, VISITS, asked, release_of, treated
from tests.support.synthetic_people import KEY

NUMBER = {"title": {"ja": "値", "en": "value"}, "kind": "numbers", "grid": "1", "source": "protocol 4"}
FEATURES = [
    SEX,
    VISITS,
    HAS,
    {
        **NUMBER,
        "column": "codes",
        "edges": ["0", "2", "9"],
        "feature": {"table": "visits", "of": "distinct", "value": "code"},
    },
    {
        **NUMBER,
        "column": "last",
        "edges": ["2020", "2024", "2030"],
        "feature": {"table": "visits", "of": "greatest", "value": "year"},
    },
    {
        **NUMBER,
        "column": "first",
        "edges": ["2020", "2024", "2030"],
        "feature": {"table": "visits", "of": "least", "value": "year"},
    },
]
FEATURED = {
    "columns": FEATURES,
    "cliques": [["visits", "has_x"]],
    "acceptance": [{"criterion": "marginals", "groups": [["sex"]], "at_most": "1.9", "source": "protocol"}],
}
PEOPLE = [("a", "f", 20.0), ("b", "m", 60.0), ("c", "f", 5.0)]
EVENTS = [
    ("a", "x", "2021"),
    ("a", "y", "2025"),
    ("a", "y", "2026"),
    ("a", "y", "2026"),
    ("b", "y", "2023"),
    ("z", "x", "2020"),
]


def test_features_are_those_of_a_persons_own_rows() -> None:
    found = with_features(treated(PEOPLE, EVENTS), asked(**FEATURED)).rows.to_pyarrow().to_pylist()
    told = {row["__person"]: [row[name] for name in ("visits", "has_x", "codes", "last", "first")] for row in found}
    assert told == {
        "a": [4, "yes", 2, 2026.0, 2021.0],
        "b": [1, "no", 1, 2023.0, 2023.0],
        "c": [0, "no", 0, None, None],
    }


def test_features_are_clipped_to_public_edges_and_own_values_are_not() -> None:
    columns = [AGE, VISITS]
    method = asked(
        columns=columns, cliques=[["age", "visits"]], acceptance=None, acceptance_share=None, cliques_share="0.6"
    )
    rows = with_features(treated([("a", "f", 200.0), ("b", "f", 20.0)], EVENTS), method)
    codes = people_codes(rows, domain_of(method), key=KEY)
    assert sorted(map(tuple, codes.tolist())) == [(1, 1), (3, 1)]


events = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.sampled_from(["2019", "2022", "2027"])), max_size=10
)


@settings(max_examples=6)
@given(found=events, gone=st.sampled_from("abc"))
def test_a_person_who_leaves_takes_one_row_and_changes_no_other(found: list[tuple[str, str, str]], gone: str) -> None:
    method = asked(**FEATURED)

    def coded(without: str | None) -> Counter[tuple[int, ...]]:
        people = [row for row in PEOPLE if row[0] != without]
        tables = treated(people, [row for row in found if row[0] != without])
        codes = people_codes(with_features(tables, method), domain_of(method), key=KEY)
        return Counter(map(tuple, codes.tolist()))

    whole, less = coded(None), coded(gone)
    assert sum((whole - less).values()) == 1
    assert not less - whole


def test_events_of_nobody_and_names_that_are_not_there_are_refused() -> None:
    with pytest.raises(DataError) as nobody:
        with_features(treated(PEOPLE, [(None, "x", "2021")]), asked(**FEATURED))
    assert nobody.value.code == "dp.row-without-person"
    lost = {**HAS, "feature": {**HAS["feature"], "value": "nothing"}}
    with pytest.raises(PolicyError) as gone:
        with_features(
            treated(PEOPLE, EVENTS),
            asked(
                columns=[SEX, lost],
                cliques=[["sex", "has_x"]],
                acceptance=None,
                acceptance_share=None,
                cliques_share="0.6",
            ),
        )
    assert gone.value.code == "dp.synthetic-feature"


def test_the_plan_follows_from_the_policy_alone_and_covers_what_the_maps_say() -> None:
    plan = plan_asked(asked(), policy_digest="sha256:00", snapshot_digest="sha256:11")
    assert plan.charge_micro == 500_000
    assert 0.99 * plan.charge_micro < plan.loss_micro <= plan.charge_micro
    assert list(plan.errors_95) == ["sex", "age", "visits", "has_x", "sex x age", "visits x has_x"]
    other = plan_asked(asked(), policy_digest="sha256:00", snapshot_digest="sha256:22")
    assert other.query_hash == plan.query_hash


@pytest.fixture(scope="module")
def made() -> NoisyAggregate:
    people = [(f"p{n}", "fm"[n % 2], float(n % 60)) for n in range(400)]
    visits = [(f"p{n}", "xy"[k], f"{2020 + n % 6}") for n in range(400) for k in range(n % 3)]
    never = {
        "columns": ["visits", "has_x"],
        "combinations": [["[0, 1)", "yes"]],
        "source": "who never came has no code",
    }
    release = release_of(impossible=[never])
    plan = plan_asked(release.method, policy_digest="sha256:00", snapshot_digest="sha256:11")  # type: ignore[arg-type]
    return measure_synthetic(release, treated(people, visits), plan=plan, bounding_key=KEY)


def test_the_table_has_the_declared_columns_and_passes_its_recount(made: NoisyAggregate) -> None:
    table = made.tables["made-up"]
    assert table.column_names == ["sex", "age", "visits", "has_x"]
    assert table.num_rows == made.evidence.measured["people_noisy"]
    assert set(table.column("has_x").to_pylist()) == {"no", "yes"}
    assert all(check.passed for check in recount_noisy(made))
    assert (made.evidence.people_in, made.evidence.records_out) == (None, None)
    assert [bars["column"] for bars in made.evidence.steward["synthetic"]] == table.column_names  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("sex", "other", "recount.domain.made-up.sex"),
        ("age", 18.5, "recount.domain.made-up.age"),
        ("age", 110.0, "recount.domain.made-up.age"),
        ("visits", 0.0, "recount.impossible.made-up"),
    ],
)
def test_a_row_that_should_not_be_there_turns_its_recount_red(
    made: NoisyAggregate, name: str, value: object, check: str
) -> None:
    table = made.tables["made-up"]
    first = table.column("has_x").to_pylist().index("yes")
    values = table.column(name).to_pylist()
    values[first] = value
    changed = table.set_column(table.column_names.index(name), name, pa.array(values))
    failed = {one.name for one in recount_noisy(replace(made, tables={"made-up": changed})) if not one.passed}
    assert failed == {check}


def test_a_row_too_many_and_a_table_too_many_turn_it_red(made: NoisyAggregate) -> None:
    table = made.tables["made-up"]
    more = replace(made, tables={"made-up": pa.concat_tables([table, table.slice(0, 1)])})
    assert {one.name for one in recount_noisy(more) if not one.passed} == {"recount.row_count.made-up"}
    beside = replace(made, tables={**made.tables, "people": table})
    assert {one.name for one in recount_noisy(beside) if not one.passed} == {"recount.tables"}
