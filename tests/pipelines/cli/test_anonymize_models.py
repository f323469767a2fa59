"""`niji anonymize` under models of sensitive columns: each option, its evidence, and its coded refusals."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli.anonymize import anonymize
from policies.errors import ExitCode, NijiError

ROWS = [
    (city, illness, pain)
    for city, illnesses in (
        ("north", "flu flu cold burn"),
        ("south", "flu cold cold burn"),
        ("east", "flu cold burn cut"),
    )
    for number, illness in enumerate(illnesses.split())
    for pain in (number + 1, number + 8)
]
CITIES = "north;land;*\nsouth;land;*\neast;coast;*\n"
ILLNESSES = "flu;infection;*\ncold;infection;*\nburn;injury;*\ncut;injury;*\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "hierarchies"
    folder.mkdir()
    (folder / "city.csv").write_text(CITIES, encoding="utf-8")
    (folder / "illness.csv").write_text(ILLNESSES, encoding="utf-8")
    with (tmp_path / "table.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows([("city", "illness", "pain"), *ROWS])
    return tmp_path


def run(home: Path, *more: object) -> Result:
    app = typer.Typer()
    app.command()(anonymize)
    return CliRunner().invoke(
        app,
        [
            str(argument)
            for argument in (
                home / "table.csv", "--output", home / "out.csv", "--quasi", "city", "--hierarchies", home / "hierarchies",
                "--k", 2, "--suppression-limit", 0.4, *more,
            )
        ],
    )  # fmt: skip


def evidence_of(home: Path, *more: object) -> dict:
    result = run(home, *more, "--json")
    assert result.exit_code == ExitCode.DONE, result.output
    return json.loads(result.stdout)


def failure(result: Result) -> NijiError:
    assert isinstance(result.exception, NijiError), result.output
    return result.exception


OPTIONS = [
    (("--l", "illness=3"), {"model": "distinct_l", "column": "illness", "l": 3}, "l"),
    (("--entropy-l", "illness=2.5"), {"model": "entropy_l", "column": "illness", "l": 2.5}, "l"),
    (("--recursive-l", "illness=3,2"), {"model": "recursive_l", "column": "illness", "c": 3.0, "l": 2}, "c"),
    (
        ("--positive-recursive-l", "illness=3,2,cold,flu"),
        {"model": "positive_recursive_l", "column": "illness", "c": 3.0, "l": 2, "disclosable": "listed"},
        "c",
    ),
    (("--t", "illness=0.3"), {"model": "t_closeness", "column": "illness", "t": 0.3, "distance": "equal"}, "t"),
    (("--alpha", "illness=0.6"), {"model": "alpha_share", "column": "illness", "alpha": 0.6}, "alpha"),
    (("--beta", "illness=2"), {"model": "beta_likeness", "column": "illness", "beta": 2.0, "enhanced": True}, "beta"),
    (
        ("--beta", "illness=2,basic"),
        {"model": "beta_likeness", "column": "illness", "beta": 2.0, "enhanced": False},
        "beta",
    ),
    (("--delta", "illness=1.5"), {"model": "delta_disclosure", "column": "illness", "delta": 1.5}, "delta"),
    (
        ("--t", "illness=0.3", "--distance", "illness=hierarchical"),
        {"model": "t_closeness", "column": "illness", "t": 0.3, "distance": "hierarchical", "hierarchy": "column-file"},
        "t",
    ),
    (
        ("--t", "illness=0.3", "--distance", "illness=ordered"),
        {"model": "t_closeness", "column": "illness", "t": 0.3, "distance": "ordered", "order": "listed"},
        "t",
    ),
    (
        ("--t", "pain=0.3", "--distance", "pain=ordered"),
        {"model": "t_closeness", "column": "pain", "t": 0.3, "distance": "ordered", "order": "numeric"},
        "t",
    ),
]


@pytest.mark.parametrize(("options", "asked", "figure"), OPTIONS, ids=[" ".join(each[0]) for each in OPTIONS])
def test_each_option_is_a_model_with_its_parameters_and_what_is_reached(
    home: Path, options: tuple[str, ...], asked: dict, figure: str
) -> None:
    evidence = evidence_of(home, *options)
    (model,) = evidence["models"]
    reached = model.pop("reached")
    assert model == asked
    assert isinstance(reached[figure], int | float)
    assert reached[figure] >= asked[figure] if figure == "l" else reached[figure] <= asked[figure]
    assert all(check["passed"] for check in evidence["recount"])
    has_file = "hierarchical" in str(options) or "illness=ordered" in str(options)
    assert ("illness" in evidence["hierarchies"]) == has_file


def test_models_hold_together_on_one_column_and_on_several(home: Path) -> None:
    evidence = evidence_of(
        home,
        "--l",
        "illness=3",
        "--t",
        "illness=0.2",
        "--t",
        "pain=0.4",
        "--distance",
        "pain=ordered",
        "--alpha",
        "pain=0.9",
    )
    assert [(each["model"], each["column"]) for each in evidence["models"]] == [
        ("distinct_l", "illness"), ("t_closeness", "illness"), ("t_closeness", "pain"), ("alpha_share", "pain"),
    ]  # fmt: skip
    assert evidence["l_required"] == {"illness": 3}
    names = Counter(check["name"] for check in evidence["recount"])
    assert names["recount.t.illness"] == names["recount.t_closeness_ordered.pain"] == 1
    assert evidence["columns"] == ["city", "illness", "pain"]


def test_people_are_told_what_the_worst_class_reaches(home: Path) -> None:
    assert "illness: t_closeness, the worst class reaches t 0." in run(home, "--t", "illness=0.3").output


def test_an_order_has_no_place_for_a_value_that_its_file_does_not_know(home: Path) -> None:
    (home / "hierarchies" / "illness.csv").write_text(ILLNESSES.replace("cut;injury;*\n", ""), encoding="utf-8")
    for distance in ("ordered", "hierarchical"):
        error = failure(run(home, "--t", "illness=0.3", "--distance", f"illness={distance}"))
        assert error.code == "data.sensitive-value"
        assert "cut" not in str(error)
    (home / "hierarchies" / "illness.csv").unlink()
    assert failure(run(home, "--t", "illness=0.3", "--distance", "illness=ordered")).code == "data.sensitive-value"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--entropy-l", "illness=1"), "usage.entropy-l"),
        (("--entropy-l", "illness=two"), "usage.entropy-l"),
        (("--recursive-l", "illness=3"), "usage.recursive-l"),
        (("--recursive-l", "illness=3,1"), "usage.recursive-l"),
        (("--positive-recursive-l", "illness=3,2"), "usage.positive-recursive-l"),
        (("--positive-recursive-l", "illness=3,2,"), "usage.positive-recursive-l"),
        (("--positive-recursive-l", "illness=3,2,cold,cold"), "usage.positive-recursive-l"),
        (("--recursive-l", "illness=3,2.5"), "usage.recursive-l"),
        (("--t", "illness=20"), "usage.t"),
        (("--t", "illness=nan"), "usage.t"),
        (("--t", "=0.2"), "usage.t"),
        (("--alpha", "illness=1"), "usage.alpha"),
        (("--beta", "illness=0"), "usage.beta"),
        (("--beta", "illness=2,other"), "usage.beta"),
        (("--beta", "illness=2,"), "usage.beta"),
        (("--beta", "illness=inf"), "usage.beta"),
        (("--delta", "illness"), "usage.delta"),
        (("--t", "illness=0.2", "--distance", "illness=near"), "usage.distance"),
        (("--distance", "illness=ordered"), "usage.distance"),
        (("--t", "illness=0.2", "--t", "illness=0.3"), "usage.model-twice"),
        (("--t", "pain=0.2", "--distance", "pain=hierarchical"), "usage.hierarchy-missing"),
        (("--t", "gone=0.2"), "data.column-missing"),
        (("--t", "city=0.2"), "policy.quasi-identifiers"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else each,
)
def test_what_is_not_of_its_form_is_refused_and_nothing_is_written(
    home: Path, options: tuple[str, ...], code: str
) -> None:
    error = failure(run(home, *options))
    assert error.code == code
    assert error.fix
    assert not (home / "out.csv").exists()


def test_where_no_release_meets_the_models_the_error_says_which_and_what_would_be_met(home: Path) -> None:
    error = failure(run(home, "--entropy-l", "illness=4", "--suppression-limit", "0"))
    assert error.code == "data.no-solution"
    assert "entropy 4" in error.what
    assert "l of at most 3." in error.fix
