"""Risk models of a release: the optimum is that of brute force, and what is released meets the models by definition."""

import itertools
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.generalize import generalize_table, pose_problem, search_problem
from anonymization.hierarchy import hierarchy_from_rows
from anonymization.histogram import build_histogram
from anonymization.population import Population
from anonymization.quasi import QuasiIdentifier
from anonymization.recount import SourceRows, recount
from anonymization.risk_models import AskedRisk
from anonymization.search.certificate import replay
from policies.errors import DataError, PolicyError
from policies.model.risk_models import (
    AverageRisk,
    KMap,
    NoAttack,
    PopulationUniqueness,
    Presence,
    Profitability,
    RiskModel,
    SampleUniqueness,
    needs_population,
)
from tests.support.lattice_oracle import loss_at, publish

DEEP = hierarchy_from_rows("deep", [["a", "ab", "*"], ["b", "ab", "*"], ["c", "cd", "*"], ["d", "cd", "*"]])
FLAT = hierarchy_from_rows("flat", [["x", "*"], ["y", "*"]])
HIERARCHIES = [DEEP, FLAT]
Row = tuple[str | None, str | None]

MODELS: dict[str, RiskModel] = {
    "k-map": KMap(model="k_map", k=4),
    "presence": Presence(model="delta_presence", most=0.5),
    "presence-both": Presence(model="delta_presence", least=0.2, most=0.7),
    "average": AverageRisk(model="average_risk", most=0.4),
    "alone": SampleUniqueness(model="sample_uniqueness", most=0.2),
    "unique": PopulationUniqueness(model="population_uniqueness", most=0.05, people=100, estimator="zayatz"),
    "no-attack": NoAttack(model="no_attack", gain=9, cost=3),
    "pays": Profitability(model="profitability", gain=9, cost=3, benefit=4, loss=7),
    "pays-journalist": Profitability(model="profitability", gain=20, cost=4, benefit=4, loss=8, attacker="journalist"),
    "no-attack-journalist": NoAttack(model="no_attack", gain=9, cost=2, attacker="journalist"),
}
ASKED = [
    *((name,) for name in MODELS),
    ("k-map", "presence"),
    ("average", "presence"),
    ("alone", "k-map"),
    ("pays", "average"),
]


@dataclass(frozen=True)
class Case:
    rows: list[Row]
    others: list[Row]
    k: int
    limit: float
    owners: list[int] | None

    @property
    def people(self) -> list[int]:
        return list(range(len(self.rows))) if self.owners is None else self.owners

    def population(self) -> Counter[Row]:
        """Each person once, at the first of the person's rows, and others."""
        first = {owner: row for row, owner in reversed(list(zip(self.rows, self.people, strict=True)))}
        return Counter([*first.values(), *self.others])

    def tables(self) -> tuple[ibis.Table, ibis.Table]:
        own = {f"q{j}": pa.array([row[j] for row in self.rows], pa.string()) for j in range(2)}
        held = self.population()
        theirs = {f"q{j}": pa.array([row[j] for row in held], pa.string()) for j in range(2)}
        numbers = pa.array(held.values(), pa.int32())
        return ibis.memtable(pa.table({**own, "who": self.people})), ibis.memtable(pa.table({**theirs, "n": numbers}))

    def asked(self, models: list[RiskModel]) -> AskedRisk:
        population = Population(self.tables()[1], "n") if any(map(needs_population, models)) else None
        return AskedRisk(tuple(models), population)


def cases() -> st.SearchStrategy[Case]:
    row = st.tuples(st.sampled_from(["a", "b", "c", "d", None]), st.sampled_from(["x", "y"]))

    def owned(rows: list[Row]) -> st.SearchStrategy[list[int] | None]:
        return st.none() | st.lists(st.integers(0, 5), min_size=len(rows), max_size=len(rows))

    return st.lists(row, min_size=2, max_size=12).flatmap(
        lambda rows: st.builds(
            Case,
            st.just(rows),
            st.lists(row, max_size=14),
            st.integers(1, 2),
            st.sampled_from([0.0, 0.3, 1.0]),
            owned(rows),
        )
    )


DOMAINS = {"ab": 2, "cd": 2, "*": 4}


def lost(label: tuple[str | None, ...]) -> float:
    """The entropy-based loss of a class of DEEP and FLAT, by the paper: -log2 of the chance of each value, over the most."""
    first, second = (
        1 if each is None else {"*": size}.get(each, DOMAINS.get(each, 1))
        for each, size in zip(label, (4, 2), strict=True)
    )
    return math.log2(first * second) / math.log2(8)


def pays(model: Profitability, among: int, label: tuple[str | None, ...]) -> bool:
    """Whether publishing a record of a class pays, by the paper; `among` people it may be of."""
    if not among:
        return False
    harm = model.loss / among if model.gain / among - model.cost > 0 else 0
    return model.benefit * (1 - lost(label)) - harm > 1e-7


def hidden(model: RiskModel, people: int, population: int, label: tuple[str | None, ...]) -> bool:
    """Whether one class meets a model of each class, by the paper."""
    match model:
        case KMap():
            return population >= model.k
        case Presence():
            least, most = Fraction(str(model.least)), Fraction(str(model.most))
            return population > 0 and least <= Fraction(people, population) <= most
        case NoAttack():
            among = population if model.attacker == "journalist" else people
            return Fraction(str(model.gain)) < Fraction(str(model.cost)) * among
        case Profitability():
            return pays(model, population if model.attacker == "journalist" else people, label)
    return True


def together(model: RiskModel, classes: list[tuple[int, int, int]], unpublished: int) -> bool:
    """Whether published classes of (rows, people, population) meet a model together; `unpublished` people are in none."""
    records = sum(rows for rows, _, _ in classes)
    match model:
        case Presence():
            return model.least == 0 or unpublished == 0
        case AverageRisk():
            return sum(Fraction(rows, people) for rows, people, _ in classes) / records <= Fraction(str(model.most))
        case SampleUniqueness():
            return Fraction(sum(rows for rows, people, _ in classes if people == 1), records) <= Fraction("0.2")
        case PopulationUniqueness():
            return zayatz([people for _, people, _ in classes], model.people) <= model.most * model.people + 1e-9
    return True


def zayatz(sizes: list[int], population: int) -> float:
    """The estimate from binomial coefficients as written in the paper."""
    sample, alone = sum(sizes), sizes.count(1)

    def once(size: int) -> Fraction:
        return Fraction(size * math.comb(population - size, sample - 1), math.comb(population, sample))

    weight = sum((once(size) for size in sizes), Fraction(0))
    return float(alone * (alone * once(1) / weight) * Fraction(population, sample)) if alone else 0.0


def judged(case: Case, node: tuple[int, int], models: list[RiskModel]) -> set[int] | None:
    """Return the rows that are published at a node; None where that is no release."""

    def label(row: Row) -> tuple[str | None, ...]:
        return tuple(publish(value, each, level) for value, each, level in zip(row, HIERARCHIES, node, strict=True))

    rows, people, population = defaultdict(set), defaultdict(set), Counter()
    for number, (row, owner) in enumerate(zip(case.rows, case.people, strict=True)):
        rows[label(row)].add(number)
        people[label(row)].add(owner)
    for row, number in case.population().items():
        population[label(row)] += number
    good = [
        each
        for each in rows
        if len(people[each]) >= case.k
        and all(hidden(model, len(people[each]), population[each], each) for model in models)
    ]
    kept = {number for each in good for number in rows[each]}
    if not kept or len(case.rows) - len(kept) > Fraction(str(case.limit)) * len(case.rows):
        return None
    classes = [(len(rows[each]), len(people[each]), population[each]) for each in good]
    unpublished = sum(population.values()) - sum(population[each] for each in good)
    return kept if all(together(model, classes, unpublished) for model in models) else None


@pytest.mark.parametrize("names", ASKED, ids="+".join)
@settings(max_examples=12)
@given(case=cases())
def test_the_optimum_is_that_of_brute_force_by_definition(names: tuple[str, ...], case: Case) -> None:
    models = [MODELS[name] for name in names]
    asked = case.asked(models)
    k = case.k if asked.stands_in_for_k else 2
    case = Case(case.rows, case.others, k, case.limit, case.owners)
    person = None if case.owners is None else "who"
    losses = []
    for node in itertools.product(range(3), range(2)):
        kept = judged(case, node, models)
        if kept is not None:
            losses.append((loss_at(case.rows, HIERARCHIES, node, kept), node, kept))
    try:
        quasi = asked.grown([QuasiIdentifier("q0", DEEP), QuasiIdentifier("q1", FLAT)])
        histogram = asked.completed(build_histogram(case.tables()[0], quasi_identifiers=quasi, person=person))
        problem = pose_problem(histogram, k=k, sensitive=(), suppression_limit=case.limit, asked_risk=asked)
        found = search_problem(problem)
    except DataError as error:
        if error.code not in {"data.no-solution", "data.too-few-people"} or losses:
            raise
        return
    assert found.loss == pytest.approx(min(loss for loss, _, _ in losses), abs=1e-9)
    check = next(check for check in found.checks if check.node == found.node)
    kept = next(kept for _, node, kept in losses if node == found.node)
    assert check.suppressed == len(case.rows) - len(kept)
    assert replay(problem, found).proves_optimum


@pytest.mark.parametrize("names", ASKED, ids="+".join)
@settings(max_examples=3)
@given(case=cases())
def test_every_released_table_meets_every_model_by_the_recount(names: tuple[str, ...], case: Case) -> None:
    models = [MODELS[name] for name in names]
    asked, person = case.asked(models), None if case.owners is None else "who"
    rows = case.tables()[0].mutate(id=ibis.row_number())
    k = case.k if asked.stands_in_for_k else 2
    quasi = [QuasiIdentifier("q0", DEEP), QuasiIdentifier("q1", FLAT)]
    shared = {"quasi_identifiers": quasi, "k": k, "sensitive": (), "person": person, "asked_risk": asked}
    try:
        found = generalize_table(rows, suppression_limit=case.limit, **shared)
    except DataError as error:
        if error.code not in {"data.no-solution", "data.too-few-people"}:
            raise
        return
    checks = recounted(found.rows, asked, found.node, k=k, person=person)
    assert [check.name for check in checks if not check.passed] == []
    assert {f"recount.{model.model}" for model in models} <= {check.name for check in checks}


def recounted(rows: ibis.Table, asked: AskedRisk, node: dict[str, int] | None, k: int = 1, person: str | None = None):
    source = SourceRows(rows, None, {"q0": DEEP, "q1": FLAT}, node)
    published = ibis.memtable(rows.to_pyarrow())
    return recount(published, quasi_identifiers=["q0", "q1"], k=k, person=person, source=source, asked_risk=asked)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=6)
@given(case=cases(), node=st.tuples(st.integers(0, 2), st.integers(0, 1)))
def test_the_recount_of_a_doctored_table_says_what_the_definition_says(name: str, case: Case, node) -> None:
    """All rows are published at a node, whether they may or not: the recount must find exactly what the paper finds."""
    model, asked = MODELS[name], case.asked([MODELS[name]])
    labels = [
        tuple(publish(value, each, level) for value, each, level in zip(row, HIERARCHIES, node, strict=True))
        for row in case.rows
    ]
    columns = {f"q{j}": pa.array([each[j] for each in labels], pa.string()) for j in range(2)}
    doctored = ibis.memtable(pa.table({**columns, "who": case.people}))
    checks = recounted(doctored, asked, {"q0": node[0], "q1": node[1]}, person="who")
    found = next(check for check in checks if check.name == f"recount.{model.model}")
    without_k = Case(case.rows, case.others, 0, 0.0, case.owners)
    assert found.passed == (judged(without_k, node, [model]) is not None)


def test_a_population_cannot_be_recounted_without_levels() -> None:
    asked = AskedRisk((MODELS["k-map"],), Population(table_of(("a", "x"))))
    with pytest.raises(PolicyError, match="recount-without-levels"):
        recounted(table_of(("a", "x")), asked, None)


def test_what_classes_have_lost_cannot_be_recounted_without_levels() -> None:
    with pytest.raises(PolicyError, match="recount-without-levels"):
        recounted(table_of(("a", "x")), AskedRisk((MODELS["pays"],)), None)


def test_what_a_record_has_lost_is_what_the_hierarchy_and_the_values_say() -> None:
    """A column without a hierarchy loses nothing, but its values count: of 4 * 4 leaves, `*` of the first leaves 4."""
    pays = Profitability(model="profitability", gain=9, cost=9, benefit=8, loss=8)
    rows = ibis.memtable(pa.table({"q0": ["*"] * 4, "plain": ["a", "b", "c", "d"]}))
    source = SourceRows(rows, None, {"q0": DEEP}, {"q0": 2})
    checks = recount(rows, quasi_identifiers=["q0", "plain"], k=1, source=source, asked_risk=AskedRisk((pays,)))
    assert next(one for one in checks if one.name == "recount.profitability").measured["payout"] == 4


def test_where_publishing_pays_nowhere_the_model_is_named() -> None:
    with pytest.raises(DataError, match=r"data\.no-solution") as caught:
        generalized(
            table_of(("a", "x"), ("b", "y")),
            Profitability(model="profitability", gain=9, cost=1, benefit=1, loss=9),
            k=1,
        )
    assert "publishing pays (prosecutor, gain 9, cost 1, benefit 1, loss 9)" in caught.value.what
    assert "even at the coarsest levels" not in caught.value.what


def table_of(*rows: Row) -> ibis.Table:
    return ibis.memtable(pa.table({f"q{j}": pa.array([row[j] for row in rows], pa.string()) for j in range(2)}))


def generalized(
    rows: ibis.Table, *models: RiskModel, k: int = 2, population: Population | None = None, limit: float = 0.0
):
    quasi = [QuasiIdentifier("q0", DEEP), QuasiIdentifier("q1", FLAT)]
    return generalize_table(
        rows,
        quasi_identifiers=quasi,
        k=k,
        sensitive=(),
        suppression_limit=limit,
        person=None,
        asked_risk=AskedRisk(models, population),
    )


def test_a_population_of_rows_counts_each_row_as_a_person() -> None:
    rows = table_of(("a", "x"), ("b", "x"))
    everyone = table_of(("a", "x"), ("b", "x"), ("b", "x"), ("d", "y"))
    found = generalized(rows, MODELS["k-map"], k=1, population=Population(everyone), limit=0.0)
    assert found.node == {"q0": 2, "q1": 1}
    found = generalized(rows, KMap(model="k_map", k=3), k=1, population=Population(everyone), limit=0.0)
    assert found.node == {"q0": 1, "q1": 0}


def test_people_whom_no_hierarchy_knows_hide_nobody() -> None:
    everyone = table_of(("a", "x"), ("a", "x"), ("unknown", "x"), ("unknown", "x"))
    with pytest.raises(DataError, match=r"data\.no-solution.*\n?.*") as caught:
        generalized(table_of(("a", "x"), ("a", "x")), MODELS["k-map"], population=Population(everyone))
    assert "k of at most 2 (4-map)" in caught.value.fix


def test_an_unpublished_class_of_the_population_breaks_the_least_presence() -> None:
    """Nobody of the table is in `y`: whoever is there is certainly not in the release, unless `y` is published as `*`."""
    everyone = table_of(*[("a", "x")] * 4, ("a", "y"))
    rows = table_of(("a", "x"), ("a", "x"))
    model = Presence(model="delta_presence", least=0.1, most=0.9)
    assert generalized(rows, model, population=Population(everyone)).node == {"q0": 0, "q1": 1}
    loose = Presence(model="delta_presence", most=0.9)
    assert generalized(rows, loose, population=Population(everyone)).node == {"q0": 0, "q1": 0}


@pytest.mark.parametrize(
    ("models", "population", "k", "code"),
    [
        ([MODELS["k-map"]], None, 2, "policy.population"),
        ([MODELS["average"]], Population(table_of(("a", "x"))), 2, "policy.population"),
        ([MODELS["average"]], None, 1, "policy.k"),
        ([Profitability(model="profitability", gain=9, cost=1, benefit=2, loss=1)], None, 1, "policy.k"),
        ([MODELS["k-map"]], Population(table_of(("a", "x"))), 2, "data.population-small"),
        ([MODELS["k-map"]], Population(ibis.memtable({"q0": ["a"]})), 2, "data.column-missing"),
        (
            [MODELS["k-map"]],
            Population(ibis.memtable({"q0": ["a"], "q1": ["x"], "n": [-9]}), "n"),
            2,
            "data.population-count",
        ),
        (
            [MODELS["k-map"]],
            Population(ibis.memtable({"q0": ["a"], "q1": ["x"], "n": [1.5]}), "n"),
            2,
            "data.population-count",
        ),
        (
            [MODELS["k-map"]],
            Population(ibis.memtable({"q0": ["a"], "q1": ["x"], "n": ["many"]}), "n"),
            2,
            "data.population-count",
        ),
        (
            [PopulationUniqueness(model="population_uniqueness", most=0.1, people=2)],
            None,
            1,
            "policy.population-size",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(models: list, population: Population | None, k: int, code: str) -> None:
    with pytest.raises((PolicyError, DataError)) as caught:
        generalized(table_of(("a", "x"), ("a", "x"), ("b", "y")), *models, population=population, k=k)
    assert caught.value.code == code
