"""Under every model of sensitive values, alone and in pairs, the search finds what brute force by definition finds."""

from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.criteria.from_policy import criterion_of
from anonymization.criteria.k_anonymity import KAnonymity
from anonymization.generalize import generalize_table
from anonymization.hierarchy import Hierarchy, hierarchy_from_rows
from anonymization.histogram import Histogram
from anonymization.quasi import QuasiIdentifier, code_attribute
from anonymization.recount import SourceRows, recount
from anonymization.search.certificate import replay
from anonymization.search.optimal import search_all
from anonymization.search.problem import make_problem
from anonymization.sensitive import SensitiveCounts
from anonymization.sensitive_models import AskedModel
from policies.errors import DataError
from tests.support.lattice_oracle import brute_force
from tests.support.sensitive_definitions import LABELS, asked, rule_of

MODELS = asked()
ALONE = [(name,) for name in MODELS]
PAIRS = [
    ("t-equal", "recursive"),
    ("beta", "entropy"),
    ("alpha", "t-tree"),
    ("delta", "distinct"),
    ("t-listed", "alpha"),
]

DEEP = hierarchy_from_rows("deep", [["a", "ab", "*"], ["b", "ab", "*"], ["c", "cd", "*"], ["d", "cd", "*"]])
FLAT = hierarchy_from_rows("flat", [["x", "*"], ["y", "*"]])
# A gap in the places of "1" and "10" would make the two ordered distances differ: all four values are always in the table.
FLOOR = [("a", "x", value) for value in LABELS]


@dataclass(frozen=True)
class Small:
    rows: list[tuple[str | None, str | None, str | None]]
    limit: float
    k: int

    @property
    def hierarchies(self) -> list[Hierarchy]:
        return [DEEP, FLAT]

    @property
    def secrets(self) -> list[str | None]:
        return [row[2] for row in self.rows]

    def histogram(self) -> Histogram:
        """The histogram, made by hand: the engine's GROUP BY is tested elsewhere."""
        attributes = tuple(
            code_attribute(QuasiIdentifier(f"q{j}", each), each) for j, each in enumerate(self.hierarchies)
        )
        coded = [
            tuple(
                attributes[j].missing if row[j] is None else attributes[j].leaves.index(row[j])  # type: ignore[arg-type]
                for j in range(2)
            )
            for row in self.rows
        ]
        tuples = sorted(set(coded))
        labels = tuple(sorted({value for value in self.secrets if value is not None}))
        cells: dict[tuple[int, int], int] = {}
        for key, value in zip(coded, self.secrets, strict=True):
            cell = (tuples.index(key), len(labels) if value is None else labels.index(value))
            cells[cell] = cells.get(cell, 0) + 1
        rows = np.array([coded.count(each) for each in tuples], np.int64)
        ordered = sorted(cells)
        secret = SensitiveCounts(
            np.array([group for group, _ in ordered], np.int64),
            np.array([value for _, value in ordered], np.int64),
            np.array([cells[cell] for cell in ordered], np.int64),
            labels,
        )
        codes = tuple(np.array([each[j] for each in tuples], np.int64) for j in range(2))
        count = len(self.rows)
        return Histogram(attributes, (DEEP, FLAT), codes, rows, rows, None, {"s": secret}, count, count, 0)

    def table(self) -> pa.Table:
        columns = {
            name: pa.array([row[i] for row in self.rows], pa.string()) for i, name in enumerate(("q0", "q1", "s"))
        }
        return pa.table({**columns, "id": pa.array(range(len(self.rows)), pa.int64())})


values = st.sampled_from([*LABELS, *LABELS, None])


def small() -> st.SearchStrategy[Small]:
    row = st.tuples(st.sampled_from(["a", "b", "c", "d", None]), st.sampled_from(["x", "y"]), values)
    rows = st.lists(row, min_size=2, max_size=14).map(lambda found: FLOOR + found)
    return st.builds(Small, rows, st.sampled_from([0.0, 0.2, 0.4, 1.0]), st.integers(2, 3))


def models_of(names: tuple[str, ...]) -> list[AskedModel]:
    return [MODELS[name] for name in names]


def holds_all(models: list[AskedModel]):
    rules = [rule_of(model) for model in models]
    return lambda one, table: all(rule(one, table) for rule in rules)


@pytest.mark.parametrize("names", [*ALONE, *PAIRS], ids="+".join)
@given(case=small())
def test_the_optimum_is_that_of_brute_force_by_definition(names: tuple[str, ...], case: Small) -> None:
    models = models_of(names)
    histogram = case.histogram()
    criteria = (KAnonymity(case.k), *(criterion_of(model, histogram.sensitive["s"].labels) for model in models))
    problem = make_problem(histogram, criteria=criteria, suppression_limit=case.limit)
    found = search_all(problem)
    expected = brute_force(
        [row[:2] for row in case.rows],
        case.hierarchies,
        k=case.k,
        limit=case.limit,
        sensitive=case.secrets,
        l=0,  # a class of missing values only has none, and a model may allow that
        passes=holds_all(models),
    )
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found.loss == pytest.approx(expected.loss, abs=1e-9)
        check = next(check for check in found.checks if check.node == found.node)
        if found.node == expected.node:
            assert (check.suppressed, check.classes) == (expected.suppressed, expected.classes)
        assert replay(problem, found).proves_optimum


@pytest.mark.parametrize("names", [*ALONE, *PAIRS[:2]], ids="+".join)
@settings(max_examples=8)
@given(case=small())
def test_every_released_table_meets_every_model_by_the_recount(names: tuple[str, ...], case: Small) -> None:
    models = models_of(names)
    rows = ibis.memtable(case.table())
    quasi = [QuasiIdentifier(f"q{j}", each) for j, each in enumerate(case.hierarchies)]
    try:
        found = generalize_table(
            rows, quasi_identifiers=quasi, k=case.k, sensitive=models, suppression_limit=case.limit, person=None
        )
    except DataError as error:
        if error.code not in {"data.no-solution", "data.too-few-people"}:
            raise
        return
    hierarchies = {f"q{j}": each for j, each in enumerate(case.hierarchies)}
    checks = recount(
        ibis.memtable(found.rows.to_pyarrow()),
        quasi_identifiers=["q0", "q1"],
        k=case.k,
        sensitive=models,
        source=SourceRows(rows, "id", hierarchies, found.node),
    )
    assert [check.name for check in checks if not check.passed] == []
    assert len({check.name for check in checks}) == len(checks)


def test_rows_of_an_unseen_value_belong_to_the_table_that_classes_are_compared_with() -> None:
    """Half of the table has value 1, but only in rows that are suppressed: classes without it are far from the table."""
    closed = Hierarchy("closed", DEEP.leaves, DEEP.labels, on_unseen="suppress")
    rows = ibis.memtable(pa.table({"q": ["a", "a", "b", "b", "zz", "zz", "zz", "zz"], "s": ["2", "3"] * 2 + ["1"] * 4}))
    sensitive = [MODELS["t-equal"]]
    with pytest.raises(DataError, match=r"data\.no-solution"):
        generalize_table(
            rows,
            quasi_identifiers=[QuasiIdentifier("q", closed)],
            k=2,
            sensitive=sensitive,
            suppression_limit=0.5,
            person=None,
        )
