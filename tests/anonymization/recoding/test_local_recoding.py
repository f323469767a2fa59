"""Local recoding: every class meets every model by a count of its own, labels cover, no row is lost or doubled, never worse.

Tables are small and drawn at random; the counts are made here in plain Python from the published rows, and again by the
independent recount.
"""

from collections import Counter, defaultdict
from fractions import Fraction
from math import floor

import ibis
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anonymization.generalize import generalize_table
from anonymization.hierarchy import Hierarchy, hierarchy_from_rows
from anonymization.quasi import QuasiIdentifier
from anonymization.recoding.local import LocallyRecoded, LocalSettings, recode_locally
from anonymization.recount import SourceRows, recount
from policies.errors import DataError, NijiError, PolicyError
from policies.model.sensitive import Closeness, DistinctL, EntropyL, RecursiveL, ValueShare
from tests.support.lattice_oracle import brute_force

LETTERS = hierarchy_from_rows(
    "letters",
    [[leaf, "abc" if leaf in "abc" else "def", "*"] for leaf in "abcdef"],
)
NUMBERS = hierarchy_from_rows(
    "numbers",
    [[str(n), f"{n // 2 * 2}-{n // 2 * 2 + 1}", f"{n // 4 * 4}-{n // 4 * 4 + 3}", "*"] for n in range(8)],
)
CELLS = hierarchy_from_rows("cells", [[value, "*"] for value in "uvwx"])
"""A hierarchy of height one: a cell is as it is, or suppressed."""
HIERARCHIES = {"q": LETTERS, "n": NUMBERS, "c": CELLS}

ROW = st.tuples(
    st.sampled_from([*"abcdef", None]),
    st.sampled_from([*map(str, range(8)), None]),
    st.sampled_from("uvwx"),
    st.sampled_from("PQR"),
    st.integers(0, 9),
)
TABLES = st.lists(ROW, min_size=1, max_size=40)


def table_of(rows: list[tuple]) -> pa.Table:
    q, n, c, s, who = zip(*rows, strict=True)
    return pa.table(
        {
            "q": pa.array(q, pa.string()),
            "n": pa.array(n, pa.string()),
            "c": pa.array(c, pa.string()),
            "s": pa.array(s, pa.string()),
            "who": pa.array([str(number) for number in who]),
            "row": pa.array(range(len(rows))),
        }
    )


def run(table: pa.Table, *, k: int = 2, limit: float = 0.0, **more: object) -> LocallyRecoded:
    hierarchies: dict[str, Hierarchy] = more.get("hierarchies", HIERARCHIES)
    return recode_locally(
        ibis.memtable(table),
        quasi_identifiers=[QuasiIdentifier(name, hierarchies[name]) for name in hierarchies],
        k=k,
        sensitive=more.get("sensitive", ()),
        suppression_limit=limit,
        person=more.get("person"),
        settings=more.get("settings", LocalSettings(effort=100_000)),
    )


def recounted(found: LocallyRecoded, table: pa.Table, *, k: int, **more: object) -> list[str]:
    checks = recount(
        ibis.memtable(found.rows.to_pyarrow()),
        quasi_identifiers=list(HIERARCHIES),
        k=k,
        sensitive=more.get("sensitive", ()),
        person=more.get("person"),
        source=SourceRows(ibis.memtable(table), "row", HIERARCHIES, None),
    )
    return [check.name for check in checks if not check.passed]


def losses(rows: list[dict], records: int) -> tuple[float, float]:
    """Return the geometric and the arithmetic loss of published rows, from their strings and the hierarchies alone."""
    product, total = 1.0, Fraction(0)
    for name, hierarchy in HIERARCHIES.items():
        d = len(hierarchy.leaves)
        covered = {}
        for labels in hierarchy.labels:
            for label, number in Counter(labels).items():
                covered[label] = max(number, covered.get(label, 0))
        shares = sum(Fraction(1, d) if row[name] is None else Fraction(covered[row[name]], d) for row in rows)
        shares += records - len(rows)
        v = max(Fraction(0), (shares - Fraction(records, d)) / (records - Fraction(records, d)))
        total += v
        product *= (1 + floor(v * 10**10) / 10**10) ** (1 / len(HIERARCHIES))
    return product - 1, float(total / len(HIERARCHIES))


@settings(max_examples=50)
@given(TABLES, st.integers(2, 4), st.sampled_from([0.0, 0.1, 1.0]))
def test_every_class_is_large_enough_labels_cover_and_no_node_loses_less(
    rows: list[tuple], k: int, limit: float
) -> None:
    assume(len(rows) >= k)
    table = table_of(rows)
    found = run(table, k=k, limit=limit)
    published = found.rows.to_pyarrow().to_pylist()
    ids = [row["row"] for row in published]
    assert len(set(ids)) == len(ids) == len(rows) - found.suppressed_records
    assert found.suppressed_records <= limit * len(rows)
    sizes = Counter((row["q"], row["n"], row["c"]) for row in published)
    assert min(sizes.values()) == found.k_reached >= k
    assert len(sizes) == found.classes
    assert recounted(found, table, k=k) == []
    for row in published:  # what is no quasi-identifier is as it was
        assert (row["s"], row["who"]) == (rows[row["row"]][3], str(rows[row["row"]][4]))
    assert (found.loss, found.arithmetic_loss) == pytest.approx(losses(published, len(rows)), abs=1e-9)
    best = brute_force([row[:3] for row in rows], list(HIERARCHIES.values()), k=k, limit=limit)
    assert best is not None
    assert found.loss <= best.loss + 1e-9


@settings(max_examples=40)
@given(TABLES, st.integers(2, 3), st.booleans())
def test_people_are_counted_and_every_class_has_its_values(rows: list[tuple], k: int, diverse: bool) -> None:
    table = table_of(rows)
    sensitive = [DistinctL(column="s", l=2)] if diverse else []
    people = [str(row[4]) for row in rows]
    best = brute_force(
        [row[:3] for row in rows],
        list(HIERARCHIES.values()),
        k=k,
        limit=0.2,
        people=people,
        sensitive=[row[3] for row in rows] if diverse else None,
        l=2,
    )
    if best is None:
        with pytest.raises(DataError) as refused:
            run(table, k=k, limit=0.2, person="who", sensitive=sensitive)
        assert refused.value.code in {"data.no-solution", "data.too-few-people"}
        return
    found = run(table, k=k, limit=0.2, person="who", sensitive=sensitive)
    published = found.rows.to_pyarrow().to_pylist()
    members, values = defaultdict(set), defaultdict(set)
    for row in published:
        members[row["q"], row["n"], row["c"]].add(row["who"])
        values[row["q"], row["n"], row["c"]].add(row["s"])
    assert min(map(len, members.values())) == found.k_reached >= k
    assert not diverse or min(map(len, values.values())) >= 2
    assert recounted(found, table, k=k, sensitive=sensitive, person="who") == []
    assert found.loss <= best.loss + 1e-9


MODELS = [
    EntropyL(model="entropy_l", column="s", l=2.0),
    RecursiveL(model="recursive_l", column="s", c=2.0, l=2),
    Closeness(model="t_closeness", column="s", t=0.4),
    ValueShare(model="alpha_share", column="s", alpha=0.6),
]


@settings(max_examples=25)
@given(TABLES, st.sampled_from(MODELS))
def test_models_that_are_not_monotone_hold_in_every_class(rows: list[tuple], model: object) -> None:
    table = table_of(rows)
    best = best_node(table, model)
    if best is None:
        with pytest.raises(DataError):
            run(table, k=2, limit=0.3, sensitive=[model])
        return
    found = run(table, k=2, limit=0.3, sensitive=[model])
    assert recounted(found, table, k=2, sensitive=[model]) == []
    assert found.loss <= best + 1e-9


def best_node(table: pa.Table, model: object) -> float | None:
    """Return the loss of the best node of global recoding; None where there is none."""
    try:
        found = generalize_table(
            ibis.memtable(table),
            quasi_identifiers=[QuasiIdentifier(name, hierarchy) for name, hierarchy in HIERARCHIES.items()],
            k=2,
            sensitive=[model],
            suppression_limit=0.3,
            person=None,
        )
    except DataError:
        return None
    return found.loss


@given(TABLES)
@settings(max_examples=20)
def test_the_result_is_the_same_whatever_the_order_of_the_rows(rows: list[tuple]) -> None:
    assume(len(rows) >= 3)
    table = table_of(rows)
    turned = table.take(list(reversed(range(len(rows)))))
    first, second = (run(one, k=3).rows.order_by("row").to_pyarrow().to_pylist() for one in (table, turned))
    assert first == second


def test_a_tuple_may_be_divided_where_that_loses_less() -> None:
    # Eight rows alike and one beside it: of k = 4, four of the eight stay as they are, the others go with the one.
    table = table_of([("a", "0", "u", "P", 0)] * 8 + [("b", "0", "u", "P", 1)])
    found = run(table, k=4)
    labels = Counter(row["q"] for row in found.rows.to_pyarrow().to_pylist())
    assert labels == {"a": 5, "abc": 4}
    assert recounted(found, table, k=4) == []


def test_rows_of_one_person_in_several_classes_count_once_in_each() -> None:
    table = table_of([("a", "0", "u", "P", who) for who in (0, 1)] + [("d", "5", "v", "P", who) for who in (0, 1)])
    found = run(table, k=2, person="who")
    assert (found.classes, found.k_reached, found.arithmetic_loss) == (2, 2, 0.0)


def test_fixed_levels_and_columns_without_a_hierarchy_are_kept() -> None:
    table = table_of([(letter, str(n), "u", "P", 0) for letter in "ab" for n in range(4)])
    found = recode_locally(
        ibis.memtable(table),
        quasi_identifiers=[QuasiIdentifier("q", LETTERS, level=1), QuasiIdentifier("n", NUMBERS), QuasiIdentifier("c")],
        k=4,
        sensitive=(),
        suppression_limit=0.0,
        person=None,
    )
    published = found.rows.to_pyarrow().to_pylist()
    assert {row["q"] for row in published} == {"abc"}
    assert {row["c"] for row in published} == {"u"}
    assert found.levels["q"] == {1: 8}
    assert sum(found.levels["n"].values()) == 8


def test_a_value_that_no_hierarchy_knows_is_suppressed_and_counted() -> None:
    lenient = {**HIERARCHIES, "c": hierarchy_from_rows("cells", [["u", "*"]], on_unseen="suppress")}
    table = table_of([("a", "0", "u", "P", 0)] * 4 + [("a", "0", "x", "P", 0)])
    found = run(table, k=2, limit=0.2, hierarchies=lenient)
    assert found.suppressed_records == 1
    assert found.rows.count().execute() == 4
    with pytest.raises(DataError) as refused:
        run(table, k=2, limit=0.1, hierarchies=lenient)
    assert refused.value.code == "data.no-solution"


def test_a_category_that_is_a_value_too_stands_for_the_category() -> None:
    codes = hierarchy_from_rows("codes", [["E11", "E11", "*"], ["E11.2", "E11", "*"], ["I10", "I10", "*"]])
    table = pa.table({"code": ["E11", "E11", "E11.2", "E11.2", "I10", "I10"]})
    found = recode_locally(
        ibis.memtable(table),
        quasi_identifiers=[QuasiIdentifier("code", codes)],
        k=2,
        sensitive=(),
        suppression_limit=0.0,
        person=None,
    )
    # Whoever reads `E11` must take it for any of the category, so it costs what the category costs.
    assert sorted(found.rows.to_pyarrow().column("code").to_pylist()) == ["E11", "E11", "E11.2", "E11.2", "I10", "I10"]
    assert found.arithmetic_loss == pytest.approx((2 * 2 + 4 - 6) / (6 * 3 - 6))


def test_a_label_with_two_meanings_is_refused() -> None:
    twice = hierarchy_from_rows("twice", [["1", "2", "*"], ["2", "3", "*"], ["3", "3", "*"]])
    with pytest.raises(PolicyError) as refused:
        run(pa.table({"v": ["1", "2", "3"]}), hierarchies={"v": twice})
    assert refused.value.code == "policy.label-ambiguous"


@pytest.mark.parametrize(
    ("rows", "k", "code"),
    [
        ([("a", "0", "u", "P", 0)] * 3, 4, "data.too-few-people"),
        ([], 2, "data.empty"),
        ([("a", "0", "u", "P", 0)] * 3, 1, "policy.k"),
    ],
    ids=["k above the people", "empty", "k of one"],
)
def test_what_global_recoding_refuses_is_refused_alike(rows: list[tuple], k: int, code: str) -> None:
    table = table_of(rows) if rows else table_of([("a", "0", "u", "P", 0)]).slice(0, 0)
    with pytest.raises(NijiError) as refused:
        run(table, k=k)
    assert refused.value.code == code


def test_more_quasi_identifiers_than_nodes_can_be_tried_still_give_classes_that_hold() -> None:
    names = [f"q{j}" for j in range(12)]
    values = {name: ["abcdef"[(i * (j + 3) + i // 7) % 6] for i in range(60)] for j, name in enumerate(names)}
    found = recode_locally(
        ibis.memtable(pa.table(values)),
        quasi_identifiers=[QuasiIdentifier(name, LETTERS) for name in names],
        k=3,
        sensitive=(),
        suppression_limit=0.0,
        person=None,
    )
    published = found.rows.to_pyarrow().to_pylist()
    assert len(published) == 60
    assert min(Counter(tuple(row.values()) for row in published).values()) >= 3
    assert found.how.nodes_tried < found.how.lattice == 3**12


def test_progress_is_told() -> None:
    steps = []
    run(table_of([("a", "0", "u", "P", 0), ("b", "1", "v", "P", 1)]), settings=LocalSettings(progress=steps.append))
    assert {step.step for step in steps} >= {"peeling", "comparing with global recoding"}


def test_many_columns_of_one_level_are_no_obstacle() -> None:
    names = [f"q{j}" for j in range(60)]
    table = pa.table({name: ["abcdef"[(i + j * (i % 3)) % 6] for i in range(24)] for j, name in enumerate(names)})
    found = recode_locally(
        ibis.memtable(table),
        quasi_identifiers=[QuasiIdentifier(name, LETTERS if j < 3 else None) for j, name in enumerate(names)],
        k=2,
        sensitive=(),
        suppression_limit=0.0,
        person=None,
        settings=LocalSettings(effort=10_000),
    )
    assert found.k_reached >= 2
    assert found.rows.count().execute() == 24
