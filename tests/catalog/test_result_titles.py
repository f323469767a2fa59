"""Every check that a stage can leave, and every figure that it measures, is said in words in both languages."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from anonymization.evidence import CheckKind, CheckResult
from catalog.check_figures import FIGURES, found_words, number
from catalog.check_titles import Names, names_of, title_of_result
from policies.load import PACKAGED, load_library
from policies.model.risk_models import WrittenRisk
from policies.model.sensitive import SensitiveModel
from policies.model.strictness import PolicyModel, Text

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted(path for package in ("anonymization", "catalog") for path in (REPOSITORY / package).rglob("*.py"))
MAKERS = {"CheckResult": None, "rule_check": 1, "verdict": 0}
"""The calls that make a check, and which argument names it; None is the keyword `name`."""
ELSEWHERE = {
    "evidence.py",
    "verdict.py",
    "recount_sensitive.py",
    "recount_risk.py",
    "recount_perturbation.py",
    "check_titles.py",
    "dossier_build.py",
}
"""Here the name is handed on, or is made of a model; those are asked for below. Of perturbation the command alone shows them."""


def written(node: ast.expr) -> str | None:
    """Return a name as it may read: what an f-string fills in becomes `x`, a rule `APPI-03`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [
            str(part.value)
            if isinstance(part, ast.Constant)
            else "APPI-21"
            if isinstance(part, ast.FormattedValue) and ast.unparse(part.value) == "rule"
            else "x"
            for part in node.values
        ]
        return "".join(parts)
    return None


def made() -> Iterator[tuple[str, str, str]]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in MAKERS:
                continue
            place = MAKERS[node.func.id]
            named = [one.value for one in node.keywords if one.arg == "name"]
            given = named[0] if named else node.args[place] if place is not None and len(node.args) > place else None
            if given is not None and path.name not in ELSEWHERE:
                name = written(given)
                assert name is not None, f"{path.name}:{node.lineno} names its check where nobody can read it"
                yield path.name, name, f"recount.{name}" if node.func.id == "verdict" else name


def check(name: str, *, kind: CheckKind = CheckKind.RULE) -> CheckResult:
    return CheckResult(name=name, kind=kind, passed=True, blocking=True, what="")


CHECKS = sorted(set(made()))


def test_the_calls_that_make_checks_were_found() -> None:
    assert len(CHECKS) > 50


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, _, name in CHECKS])
def test_every_check_has_words(module: str, name: str) -> None:
    title = title_of_result(check(name))
    assert title is not None, f"{module} makes a check {name!r}: say in catalog/check_titles.py what it confirms"
    assert "{" not in title.ja + title.en
    assert "_" not in title.ja + title.en
    assert not title.ja.endswith(("。", "こと"))


@pytest.mark.parametrize("model", get_args(SensitiveModel))
def test_every_model_of_a_sensitive_column_has_words(model: type[PolicyModel]) -> None:
    (name,) = get_args(model.model_fields["model"].annotation)
    variants = {"t_closeness": ("t", "t_closeness_ordered", "t_closeness_hierarchical"), "alpha_share": ("alpha",)}
    variants |= {"distinct_l": ("l",), "beta_likeness": ("beta", "beta_likeness_basic")}
    for one in variants.get(name, (name,)):
        assert title_of_result(check(f"recount.{one}.department")) is not None, one


@pytest.mark.parametrize("model", get_args(get_args(WrittenRisk)[0]))
def test_every_model_of_the_whole_release_has_words(model: type[PolicyModel]) -> None:
    (name,) = get_args(model.model_fields["model"].annotation)
    assert title_of_result(check(f"recount.{name}")) is not None, name


def test_every_expectation_of_the_shipped_suites_has_words_of_its_own() -> None:
    general = title_of_result(check("quality.x.nobody_wrote_this", kind=CheckKind.QUALITY))
    kinds = {
        entry["type"].removeprefix("expect_")
        for path in (PACKAGED / "quality").glob("*.json")
        for entry in json.loads(path.read_text("utf-8"))["expectations"]
    }
    assert kinds
    for kind in kinds:
        name = f"quality.x.{kind}" + ("" if kind.startswith("table_") else ".column")
        assert title_of_result(check(name, kind=CheckKind.QUALITY)) not in {None, general}, kind


def test_a_check_that_nobody_named_has_no_words() -> None:
    assert title_of_result(check("made_up")) is None


def test_a_scanned_column_is_said_with_its_verdict_and_in_words() -> None:
    library = load_library(PACKAGED)
    names = names_of(library, library.release("admissions-anonymized"))
    found = CheckResult(
        name="identifiers:patients.name_kanji:name",
        kind=CheckKind.RULE,
        passed=True,
        blocking=False,
        what="",
        measured={"verdict": "declared"},
    )
    assert title_of_result(found, names) == Text(
        ja="列「氏名」の氏名が、申告されている", en='name in column "name" is declared'
    )


def test_columns_together_are_each_called_by_name() -> None:
    names = Names(columns={"sex": Text(ja="性別", en="sex"), "age": Text(ja="年齢", en="age")})
    assert names.column(None, "sex+age").ja == "列「性別」「年齢」"
    assert names.column("other", "area").en == 'column "area"'


@pytest.mark.parametrize(
    ("told", "ja"), [("1,500+", "1,500行以上"), ("<10", "10行未満"), ("0", "0行"), ("-", "-"), ("≥ 12", "≥ 12")]
)
def test_a_number_that_passed_the_gate_reads_as_a_sentence_writes_it(told: str, ja: str) -> None:
    assert number(told, "ja", unit="行") == ja
    assert number(told, "en") == told


def test_figures_are_told_in_one_order_and_not_more_than_asked() -> None:
    figures = {"tables": "5", "rows_scanned": "1,500+", "contradicting": "0", "made_up": "3"}
    said = found_words(figures, most=2)
    assert said == Text(ja="反するものは0件、走査した行は1,500行以上", en="contradictions: 0, rows scanned: 1,500+")
    assert "made_up" in str(found_words(figures)), "a figure without words is not lost"
    assert found_words({}) is None


def test_a_figure_of_a_table_names_it() -> None:
    assert found_words({"rows_removed.visits": "0"}) == Text(
        ja="取り除いた行(visits)は0行", en="rows removed (visits): 0"
    )


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_the_words_of_a_figure_are_in_their_language(name: str) -> None:
    ja, unit, en = FIGURES[name]
    assert en.isascii()
    assert "_" not in ja + unit + en
