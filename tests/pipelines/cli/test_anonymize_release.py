"""`niji anonymize --release`: a release policy's method held to one table; what one table cannot have is refused."""

import csv
import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli.anonymize import anonymize
from policies.errors import NijiError

SHIPPED = Path(__file__).parents[3] / "policies" / "releases"
QUASI = ("age", "sex", "area", "admitted", "stay_days")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for column in QUASI:
        (tmp_path / f"{column}.csv").write_text("a;ab;*\nb;ab;*\n", encoding="utf-8")
    rows = [["ab"[i % 2] for _ in QUASI] + [f"d{i % 3}", "memo"] for i in range(60)]
    with (tmp_path / "table.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([[*QUASI, "department", "memo"], *rows])
    text = (SHIPPED / "admissions-anonymized.yaml").read_text("utf-8")
    plain = re.sub(r"^  events:\n(    .*\n)+", "", text, flags=re.MULTILINE)
    assert plain != text
    (tmp_path / "plain.yaml").write_text(plain, encoding="utf-8")
    return tmp_path


def run(home: Path, release: Path, *more: str) -> Result:
    app = typer.Typer()
    app.command()(anonymize)
    words = ["--output", home / "out.csv", "--hierarchies", home, "--release", release, *more]
    return CliRunner().invoke(app, [str(word) for word in (home / "table.csv", *words)])


def test_the_method_says_everything_that_options_would(home: Path) -> None:
    result = run(home, home / "plain.yaml", "--json")
    assert result.exit_code == 0, result.output
    evidence = json.loads(result.stdout)
    assert (evidence["k_required"], evidence["suppression_limit"]) == (12, 0.05)
    assert evidence["l_required"] == {"department": 3}
    assert evidence["columns"] == [*QUASI, "department"], "nothing else leaves"


@pytest.mark.parametrize(
    ("release", "more", "code"),
    [
        ("plain.yaml", ("--k", "5"), "usage.release"),
        ("plain.yaml", ("--recoding", "local"), "usage.release"),
        (SHIPPED / "admissions-anonymized.yaml", (), "policy.not-plain"),
        (SHIPPED / "diagnoses-by-region.yaml", (), "usage.release"),
    ],
)
def test_two_answers_and_promises_that_cannot_be_kept_are_refused(
    home: Path, release: str | Path, more: tuple[str, ...], code: str
) -> None:
    result = run(home, home / release, *more)
    assert isinstance(result.exception, NijiError)
    assert result.exception.code == code
    assert not (home / "out.csv").exists()


def test_without_a_release_somebody_must_say_what_is_asked(home: Path) -> None:
    app = typer.Typer()
    app.command()(anonymize)
    words = [home / "table.csv", "--output", home / "out.csv", "--hierarchies", home, "--quasi", "age"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(result.exception, NijiError)
    assert result.exception.code == "usage.asked"
