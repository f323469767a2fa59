"""Every measure against its definition, row by row, on small tables with missing values, suppression and spellings."""

from collections.abc import Sequence

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.hierarchy import Hierarchy, hierarchy_from_rows
from anonymization.quasi import QuasiIdentifier
from anonymization.utility.ambiguity import ambiguity
from anonymization.utility.associations import associations, cramer, pearson
from anonymization.utility.class_sizes import average_class_size, discernibility, normalized_discernibility
from anonymization.utility.compared import Compared, compare_tables
from anonymization.utility.divergence import divergence
from anonymization.utility.entropy import nonuniform_entropy
from anonymization.utility.granularity import arithmetic_loss, granularity, loss
from anonymization.utility.marginals import marginal_error
from anonymization.utility.missing import missing
from anonymization.utility.precision import generalization_intensity, precision
from anonymization.utility.prediction import prediction
from anonymization.utility.queries import Between, CountQuery, query_error
from anonymization.utility.report import measure_utility
from policies.errors import DataError, IntegrityError, PolicyError
from tests.support import utility_definitions as by_paper

AGES = hierarchy_from_rows("age", [(str(age), f"{age // 2 * 2}-{age // 2 * 2 + 1}", "*") for age in range(20, 26)])
AREAS = hierarchy_from_rows("area", [("n1", "n", "*"), ("n2", "n", "*"), ("s1", "s", "*")])
QUASI = [QuasiIdentifier("age", AGES), QuasiIdentifier("area", AREAS)]
HIERARCHIES: Sequence[Hierarchy] = (AGES, AREAS)
Cells = tuple[str | None, str | None]


def compare(before: list[Cells], after: list[Cells | None], **more: object) -> Compared:
    ids = [i for i, labels in enumerate(after) if labels is not None]
    kept = [labels for labels in after if labels is not None]

    def table(numbers: list[int], rows: list[Cells]) -> ibis.Table:
        text = pa.string()
        return ibis.memtable(
            pa.table(
                {
                    "id": pa.array(numbers, pa.int64()),
                    "age": pa.array([row[0] for row in rows], text),
                    "area": pa.array([row[1] for row in rows], text),
                    "ill": pa.array([f"d{i % 2}" for i in numbers], text),
                }
            )
        )

    return compare_tables(
        table(list(range(len(before))), before), table(ids, kept), row_id="id", quasi_identifiers=QUASI, **more
    )  # type: ignore[arg-type]  # what a test gives by name


def label(hierarchy: Hierarchy, level: int, value: str | None) -> str | None:
    if value is None:
        return "*" if level == hierarchy.height - 1 else None
    return hierarchy.labels[level][hierarchy.leaves.index(value)]


def covers(hierarchy: Hierarchy, level: int, *, missing_seen: bool) -> by_paper.Covers:
    def under(text: str | None) -> frozenset[str | None]:
        if text is None:
            return frozenset({None})
        leaves = {leaf for leaf in hierarchy.leaves if hierarchy.labels[level][hierarchy.leaves.index(leaf)] == text}
        return frozenset(leaves | ({None} if text == "*" and missing_seen else set()))

    return under


values = st.tuples(st.sampled_from([*AGES.leaves, None]), st.sampled_from([*AREAS.leaves, None]))


@st.composite
def releases(draw: st.DrawFn) -> tuple[list[Cells], list[Cells | None], tuple[int, int]]:
    rows = draw(st.lists(values, min_size=2, max_size=12))
    levels = (draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    gone = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    gone[0] = False
    after = [
        None if lost else (label(AGES, levels[0], row[0]), label(AREAS, levels[1], row[1]))
        for row, lost in zip(rows, gone, strict=True)
    ]
    return rows, after, levels


@settings(max_examples=15, deadline=None)
@given(releases())
def test_every_measure_is_what_its_paper_says(case: tuple[list[Cells], list[Cells | None], tuple[int, int]]) -> None:
    before, after, levels = case
    compared = compare(before, after, levels={"age": levels[0], "area": levels[1]})
    rows = list(zip(before, after, strict=True))
    has_missing = [any(row[j] is None for row in before) for j in range(2)]
    under = [covers(HIERARCHIES[j], levels[j], missing_seen=has_missing[j]) for j in range(2)]
    domains = [frozenset({*HIERARCHIES[j].leaves, *([None] if has_missing[j] else [])}) for j in range(2)]
    assert ambiguity(compared) == pytest.approx(by_paper.ambiguity(rows, under, domains))
    assert discernibility(compared) == by_paper.discernibility(rows)
    error = marginal_error(compared)
    for j, column in enumerate(("age", "area")):
        assert error.one_way[column] == pytest.approx(by_paper.marginal(rows, under, domains, [j]))
        suppressed = [(row[j], "suppressed" if labels is None else labels[j]) for row, labels in rows]
        if levels[j] < 2:
            hierarchy, level = HIERARCHIES[j], levels[j]
            wanted = by_paper.entropy_of_column(suppressed, lambda v, h=hierarchy, at=level: label(h, at, v))
            assert nonuniform_entropy(compared)[column] == pytest.approx(wanted)
    assert error.two_way_max == pytest.approx(by_paper.marginal(rows, under, domains, [0, 1]))
    query = CountQuery("q", {"age": Between(21, 23), "area": ["n1"]})
    exact, guessed = by_paper.count_query(rows, under, [frozenset({"21", "22", "23"}), frozenset({"n1"})])
    answer = query_error(compared, queries=[query]).answers[0]
    assert (answer.before, answer.after) == (exact, pytest.approx(guessed))
    published = set(after)
    if not any(
        labels is None and (label(AGES, levels[0], row[0]), label(AREAS, levels[1], row[1])) in published
        for row, labels in rows
    ):  # as a search suppresses: whole classes
        assert divergence(compared) == pytest.approx(by_paper.divergence(rows, under, domains), abs=1e-9)


BEFORE: list[Cells] = [("20", "n1"), ("21", "n1"), ("22", "n2"), ("23", "n2"), ("24", "s1"), (None, "s1")]
AFTER: list[Cells | None] = [("20-21", "n"), ("20-21", "n"), ("22-23", "n"), ("22-23", "n"), None, (None, "s1")]


def test_measures_of_rows_by_hand() -> None:
    compared = compare(BEFORE, AFTER)
    assert granularity(compared)["age"] == pytest.approx((4 * 2 / 6 + 1 + 1 / 6) / 6)
    assert generalization_intensity(compared) == pytest.approx({"age": (4 * 0.5 + 1) / 6, "area": (4 * 0.5 + 1) / 6})
    assert precision(compared) == pytest.approx(0.5)
    assert precision(compared, weights={"age": 0.0}) == pytest.approx(0.5)
    assert arithmetic_loss(compared, weights={"age": 0.0}) == pytest.approx(
        (granularity(compared)["area"] - 1 / 3) / (2 / 3)
    )
    size = average_class_size(compared, k=2)
    assert (size.rows, size.normalized) == (pytest.approx(5 / 3), pytest.approx(5 / 6))
    assert missing(compared)["age"].before == pytest.approx(1 / 6)
    assert missing(compared)["age"].after == pytest.approx(1 / 6)


def test_nothing_is_lost_where_nothing_is_changed() -> None:
    known: list[Cells] = [row for row in BEFORE if row[0] is not None]
    compared = compare(known, list(known), target="ill")
    found = measure_utility(compared)
    assert (found.loss, found.precision, found.ambiguity, found.divergence_bits) == (0.0, 1.0, 1.0, 0.0)
    assert found.normalized_discernibility == 0.0
    assert set(found.nonuniform_entropy.values()) == {0.0}
    assert (found.queries.mean, found.marginals.two_way_max) == (0.0, pytest.approx(0.0))
    assert found.association_error == 0.0
    assert found.prediction is not None
    assert found.prediction.release == found.prediction.source


def test_everything_is_lost_where_all_is_the_root() -> None:
    compared = compare(BEFORE, [("*", "*") for _ in BEFORE])
    assert (loss(compared), precision(compared)) == (pytest.approx(1.0), 0.0)
    assert set(nonuniform_entropy(compared).values()) == {1.0}
    assert normalized_discernibility(compared) == 1.0
    assert ambiguity(compared) == 7 * 3, "a missing age is one of the ages"
    assert all(one.after is None for one in associations(compared))


def test_people_are_counted_beside_rows() -> None:
    ids = pa.array(range(4), pa.int64())
    table = {"id": ids, "age": ["20"] * 4, "area": ["n1"] * 4, "who": ["p", "p", "p", "q"]}
    rows = ibis.memtable(pa.table(table))
    compared = compare_tables(rows, rows, row_id="id", quasi_identifiers=QUASI, person="who")
    size = average_class_size(compared, k=2)
    assert (size.rows, size.people, size.normalized) == (4.0, 2.0, 1.0)


def test_a_text_that_is_a_value_and_a_category_stands_for_the_category() -> None:
    codes = hierarchy_from_rows("code", [("E11", "E11", "*"), ("E11.9", "E11", "*"), ("I10", "I10", "*")])
    rows = {"id": [0, 1], "code": ["E11.9", "I10"]}
    compared = compare_tables(
        ibis.memtable(pa.table(rows)),
        ibis.memtable(pa.table(rows | {"code": ["E11", "I10"]})),
        row_id="id",
        quasi_identifiers=[QuasiIdentifier("code", codes)],
    )
    assert granularity(compared)["code"] == pytest.approx((2 + 1) / 3 / 2)
    assert generalization_intensity(compared)["code"] == pytest.approx(0.5 / 2), "I10 stands at the lowest level too"


def test_a_query_that_names_what_is_not_there_is_refused() -> None:
    compared = compare(BEFORE, AFTER)
    for where, code in (
        ({"height": ["1"]}, "policy.query-column"),
        ({"age": ["99"]}, "policy.query-value"),
        ({"area": Between(1, 2)}, "policy.query-range"),
        ({"age": Between(3, 2)}, "policy.query-range"),
    ):
        with pytest.raises(PolicyError) as refused:
            query_error(compared, queries=[CountQuery("q", where)])  # type: ignore[arg-type]  # wrong on purpose
        assert refused.value.code == code
        assert "99" not in str(refused.value)


def test_tables_that_do_not_belong_together_are_refused() -> None:
    rows = ibis.memtable(pa.table({"id": [0, 0], "age": ["20", "21"], "area": ["n1", "n1"]}))
    with pytest.raises(DataError, match="not different"):
        compare_tables(rows, rows, row_id="id", quasi_identifiers=QUASI)
    one = ibis.memtable(pa.table({"id": [0], "age": ["20"], "area": ["n1"]}))
    other = ibis.memtable(pa.table({"id": [1], "age": ["20"], "area": ["n1"]}))
    with pytest.raises(DataError, match="not in the source"):
        compare_tables(one, other, row_id="id", quasi_identifiers=QUASI)
    strange = ibis.memtable(pa.table({"id": [0], "age": ["20-29"], "area": ["n1"]}))
    with pytest.raises(IntegrityError) as refused:
        compare_tables(one, strange, row_id="id", quasi_identifiers=QUASI)
    assert refused.value.code == "integrity.label-unknown"


def test_associations_are_those_of_scipy_and_numpy() -> None:
    import numpy as np
    from scipy.stats.contingency import association

    table = np.array([[12, 5, 1], [3, 9, 8]])
    assert cramer(table.astype(float)) == pytest.approx(association(table, method="cramer"))
    x, y = np.array([1.0, 2.0, 4.0, 7.0]), np.array([2.0, 1.0, 5.0, 5.0])
    weights = np.array([3, 1, 2, 4])
    repeated = np.corrcoef(np.repeat(x, weights), np.repeat(y, weights))[0, 1]
    assert pearson(x, y, weights) == pytest.approx(repeated)


def test_a_prediction_needs_a_target() -> None:
    with pytest.raises(PolicyError):
        prediction(compare(BEFORE, AFTER))
