"""Free cuts: every interval is tight, k and models hold by a count of their own, top codes stay, never worse than without.

Tables are small and drawn at random; everything is worked out here in plain Python from the published rows.
"""

from collections import defaultdict

import ibis
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anonymization.hierarchy import Hierarchy, hierarchy_from_rows
from anonymization.quasi import QuasiIdentifier
from anonymization.recoding.local import LocallyRecoded, LocalSettings, recode_locally
from anonymization.recount import SourceRows, recount
from policies.errors import DataError, PolicyError
from policies.model.sensitive import Closeness, DistinctL

TOP = 12
"""From here on ages are in the open class."""


def _age(n: int) -> list[str]:
    if n >= TOP:
        return [str(n), f"{TOP}+", f"{TOP - 4}+", "*"]
    return [str(n), f"{n // 2 * 2}-{n // 2 * 2 + 1}", "8+" if n >= 8 else f"{n // 4 * 4}-{n // 4 * 4 + 3}", "*"]


CLOSED = hierarchy_from_rows(
    "closed", [[str(n), f"{n // 4 * 4}-{n // 4 * 4 + 3}", f"{n // 8 * 8}-{n // 8 * 8 + 7}", "*"] for n in range(16)]
)
TOPPED = hierarchy_from_rows("topped", [_age(n) for n in range(16)])
LETTERS = hierarchy_from_rows("letters", [[leaf, "ab" if leaf in "ab" else "cd", "*"] for leaf in "abcd"])
AGES = {"closed": CLOSED, "topped": TOPPED}
FIRST_OPEN = {"closed": 99, "topped": 8}

ROW = st.tuples(
    st.sampled_from("abcd"), st.sampled_from([*map(str, range(16)), None]), st.sampled_from("PQR"), st.integers(0, 9)
)
TABLES = st.lists(ROW, min_size=3, max_size=40)
MODELS = [DistinctL(column="s", l=2), Closeness(model="t_closeness", column="s", t=0.4)]


def table_of(rows: list[tuple]) -> pa.Table:
    q, age, s, who = zip(*rows, strict=True)
    return pa.table(
        {
            "q": pa.array(q, pa.string()),
            "age": pa.array(age, pa.string()),
            "s": pa.array(s, pa.string()),
            "who": pa.array([str(number) for number in who]),
            "row": pa.array(range(len(rows))),
        }
    )


def run(table: pa.Table, *, k: int = 2, free: tuple[str, ...] = ("age",), **more: object) -> LocallyRecoded:
    return recode_locally(
        ibis.memtable(table),
        quasi_identifiers=[QuasiIdentifier("q", LETTERS), QuasiIdentifier("age", more.get("ages", CLOSED))],
        k=k,
        sensitive=more.get("sensitive", ()),
        suppression_limit=more.get("limit", 0.0),
        person=more.get("person"),
        settings=LocalSettings(effort=more.get("effort", 100_000), free_cuts=free),
    )


def failed_checks(published: list[dict], table: pa.Table, *, k: int, **more: object) -> list[str]:
    checks = recount(
        ibis.memtable(pa.Table.from_pylist(published, table.schema)),
        quasi_identifiers=["q", "age"],
        k=k,
        sensitive=more.get("sensitive", ()),
        person=more.get("person"),
        source=SourceRows(
            ibis.memtable(table),
            "row",
            {"q": LETTERS, "age": more.get("ages", CLOSED)},
            None,
            more.get("free", ("age",)),
        ),
    )
    return [check.name for check in checks if not check.passed]


def classes_of(published: list[dict]) -> dict[tuple, list[dict]]:
    found = defaultdict(list)
    for row in published:
        found[row["q"], row["age"]].append(row)
    return found


def require_tight(published: list[dict], rows: list[tuple], *, first_open: int) -> None:
    """A class with values below every open class reads as its lowest and highest; any other as the hierarchy says."""
    for (_, label), members in classes_of(published).items():
        ages = [rows[row["row"]][1] for row in members]
        if None in ages:
            assert label == (None if set(ages) == {None} else "*")
            continue
        low, high = min(map(int, ages)), max(map(int, ages))
        if low == high:
            assert label == str(low)
        elif high >= first_open:
            assert label in {"*", "8+", "12+", *(f"{n}-{n + 1}" for n in range(8, TOP, 2))}
        else:
            assert label == ("*" if (low, high) == (0, 15) else f"{low}-{high}")


@settings(max_examples=35)
@given(TABLES, st.integers(2, 4), st.sampled_from(sorted(AGES)))
def test_every_interval_is_tight_every_class_large_enough_and_nothing_is_worse(
    rows: list[tuple], k: int, name: str
) -> None:
    assume(len(rows) >= k)
    table, ages = table_of(rows), AGES[name]
    found, without = run(table, k=k, ages=ages), run(table, k=k, ages=ages, free=())
    published = found.rows.to_pyarrow().to_pylist()
    assert sorted(row["row"] for row in published) == list(range(len(rows)))
    sizes = [len(members) for members in classes_of(published).values()]
    assert min(sizes) == found.k_reached >= k
    assert len(sizes) == found.classes
    require_tight(published, rows, first_open=FIRST_OPEN[name])
    assert failed_checks(published, table, k=k, ages=ages) == []
    assert found.loss <= without.loss + 1e-12
    assert found.arithmetic_loss <= without.arithmetic_loss + 1e-12
    assert found.arithmetic_loss == pytest.approx(arithmetic_loss(published, ages), abs=1e-9)
    assert sum(found.levels["age"].values()) == len(rows)


def arithmetic_loss(published: list[dict], ages: Hierarchy) -> float:
    """Return the mean of v_j, an interval counted by the ages from low to high."""
    total = 0.0
    for column, hierarchy in (("q", LETTERS), ("age", ages)):
        d = len(hierarchy.leaves)
        shares = sum(leaves_under(row[column], hierarchy, is_free=column == "age") for row in published) / d
        total += (shares - len(published) / d) / (len(published) - len(published) / d)
    return total / 2


def leaves_under(label: str | None, hierarchy: Hierarchy, *, is_free: bool) -> int:
    if label is None:
        return 1
    if is_free and "-" in label:
        low, _, high = label.partition("-")
        return int(high) - int(low) + 1
    return max(list(labels).count(label) for labels in hierarchy.labels)


def refusal(table: pa.Table, **asked: object) -> str | None:
    """Return the code by which local recoding is refused; None where it is not."""
    try:
        run(table, **asked)
    except DataError as refused:
        return refused.code
    return None


@settings(max_examples=15)
@given(TABLES, st.sampled_from(MODELS), st.booleans())
def test_people_are_counted_and_models_hold_in_every_class(rows: list[tuple], model: object, by_person: bool) -> None:
    table, person = table_of(rows), "who" if by_person else None
    asked = {"sensitive": [model], "person": person, "limit": 0.3}
    refusals = [refusal(table, free=free, **asked) for free in ((), ("age",))]
    assert refusals[0] == refusals[1]
    assume(refusals[0] is None)
    found = run(table, **asked)
    published = found.rows.to_pyarrow().to_pylist()
    members = classes_of(published).values()
    assert min(len({row["who"] if by_person else row["row"] for row in one}) for one in members) == found.k_reached >= 2
    if isinstance(model, DistinctL):
        assert min(len({row["s"] for row in one}) for one in members) >= 2
    require_tight(published, rows, first_open=99)
    assert failed_checks(published, table, k=2, sensitive=[model], person=person) == []


@settings(max_examples=10)
@given(TABLES)
def test_the_result_is_the_same_whatever_the_order_of_the_rows(rows: list[tuple]) -> None:
    table = table_of(rows)
    turned = table.take(list(reversed(range(len(rows)))))
    first, second = (run(one, k=3).rows.order_by("row").to_pyarrow().to_pylist() for one in (table, turned))
    assert first == second


def test_a_class_across_the_cuts_of_the_hierarchy_is_an_interval_and_the_evidence_says_it() -> None:
    table = table_of([("a", age, "P", 0) for age in ("3", "4", "11", "12")])
    without, found = run(table, free=()), run(table)
    assert {row["age"] for row in found.rows.to_pyarrow().to_pylist()} == {"3-4", "11-12"}
    assert found.arithmetic_loss == pytest.approx(1 / 15 / 2)
    assert found.arithmetic_loss < without.arithmetic_loss
    told = found.how.as_json()["free_cuts"]
    assert told["columns"] == ["age"]
    assert told["improved_loss"] == pytest.approx(found.arithmetic_loss)
    assert told["loss_before"] == pytest.approx(without.arithmetic_loss)
    assert "free_cuts" not in without.how.as_json()


def test_no_effort_relabels_and_changes_no_class() -> None:
    table = table_of([("a", age, "P", 0) for age in ("3", "4", "11", "12")])
    found, without = run(table, effort=0), run(table, effort=0, free=())
    assert found.how.free_cuts is not None
    assert (found.how.free_cuts.changes, found.classes) == (0, without.classes)


def test_a_top_code_stays() -> None:
    found = run(table_of([("a", age, "P", 0) for age in ("13", "14", "5", "6")]), ages=TOPPED)
    assert {row["age"] for row in found.rows.to_pyarrow().to_pylist()} == {"12+", "5-6"}


@pytest.mark.parametrize(
    ("ages", "row", "label"),
    [
        (CLOSED, 0, "4-5"),
        (CLOSED, 0, "3-2"),
        (CLOSED, 0, "5"),
        (CLOSED, 0, None),
        (CLOSED, 0, "03-4"),
        (TOPPED, 2, "12-14"),
    ],
    ids=["beside", "backwards", "number", "missing", "zero before", "above a top code"],
)
def test_the_recount_refuses_a_forged_interval(ages: Hierarchy, row: int, label: str | None) -> None:
    table = table_of([("a", age, "P", 0) for age in ("3", "4", "13", "14")])
    published = table.to_pylist()
    for one, text in zip(
        published, ["3-4", "3-4", "12+", "12+"] if ages is TOPPED else ["3-4"] * 2 + ["13-14"] * 2, strict=True
    ):
        one["age"] = text
    assert failed_checks(published, table, k=2, ages=ages) == []
    assert failed_checks(published, table, k=2, ages=ages, free=()) == (["recount.label.age"]), (
        "without free cuts an interval is no label"
    )
    published[row]["age"] = label
    assert "recount.label.age" in failed_checks(published, table, k=1, ages=ages)


def test_a_class_that_the_hierarchy_names_loosely_is_published_by_its_own_ends() -> None:
    # As in adult's hierarchy of ages, where `0-1` is 1 and 2: with free cuts what reads like an interval is one.
    loose = hierarchy_from_rows(
        "loose", [[str(n), f"{(n - 1) // 2 * 2}-{(n - 1) // 2 * 2 + 1}", "*"] for n in range(1, 9)]
    )
    table = table_of([("a", age, "P", 0) for age in ("1", "2", "3", "4")])
    found = run(table, ages=loose)
    published = found.rows.order_by("row").to_pyarrow().to_pylist()
    assert [row["age"] for row in published] == ["1-2", "1-2", "3-4", "3-4"]
    assert failed_checks(published, table, k=2, ages=loose) == []
    published[0]["age"] = published[1]["age"] = "0-1"
    assert failed_checks(published, table, k=2, ages=loose) == ["recount.label.age"]


def numbers(second: list[str]) -> Hierarchy:
    return hierarchy_from_rows("ages", [[str(n), text, "*"] for n, text in enumerate(second)])


@pytest.mark.parametrize(
    ("ages", "free", "code"),
    [
        (CLOSED, ("s",), "policy.free-cuts"),
        (CLOSED, ("q",), "policy.free-cuts"),
        (
            hierarchy_from_rows("ages", [["0", "x", "*"], ["01", "x", "*"], ["1", "x", "*"]]),
            ("age",),
            "policy.free-cuts",
        ),
        (numbers(["even", "odd", "even", "odd"]), ("age",), "policy.free-cuts"),
        (numbers(["1", "1", "2", "2"]), ("age",), "policy.label-ambiguous"),
        (
            hierarchy_from_rows("ages", [[str(n), "low" if n < 2 else "2+", "1-4", "*"] for n in range(4)]),
            ("age",),
            "policy.label-ambiguous",
        ),
    ],
    ids=["no quasi-identifier", "letters", "two spellings", "no ranges", "number for several", "open class ill named"],
)
def test_columns_that_cannot_be_cut_freely_are_refused(ages: Hierarchy, free: tuple[str, ...], code: str) -> None:
    table = table_of([("a", age, "P", 0) for age in ("0", "1", "0", "1")])
    with pytest.raises(PolicyError) as refused:
        run(table, ages=ages, free=free)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "age",
    [QuasiIdentifier("age"), QuasiIdentifier("age", CLOSED, level=1)],
    ids=["no hierarchy", "fixed level"],
)
def test_a_column_without_a_choice_of_levels_is_refused(age: QuasiIdentifier) -> None:
    with pytest.raises(PolicyError) as refused:
        recode_locally(
            ibis.memtable(table_of([("a", "1", "P", 0)] * 4)),
            quasi_identifiers=[age],
            k=2,
            sensitive=(),
            suppression_limit=0.0,
            person=None,
            settings=LocalSettings(free_cuts=("age",)),
        )
    assert refused.value.code == "policy.free-cuts"


def test_too_many_values_are_refused() -> None:
    many = hierarchy_from_rows("many", [[str(n), "*"] for n in range(1_001)])
    with pytest.raises(PolicyError) as refused:
        run(table_of([("a", str(n), "P", 0) for n in range(1_001)]), ages=many, effort=0)
    assert refused.value.code == "policy.free-cuts"
