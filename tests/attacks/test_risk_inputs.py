"""`niji risk` and `niji hierarchy coverage` refuse, with a code, what they cannot measure."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from pipelines.cli.hierarchy.coverage import coverage
from pipelines.cli.risk import risk
from policies.errors import NijiError


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("risk", "t.parquet", "--quasi", "__niji_rows"), "data.column-reserved"),
        (("risk", "t.parquet", "--quasi", "sex,tests"), "data.column-type"),
        (("risk", "t.parquet", "--quasi", "sex", "--population-size", "9" * 30), "policy.population-size"),
        (("risk", "t.parquet", "--quasi", "sex", "--population-size", "1000"), None),
        (("coverage", "sex.csv", "t.parquet", "--column", "tests"), "data.column-type"),
        (("coverage", "sex.csv", "t.parquet", "--column", "sex"), None),
    ],
)
def test_what_cannot_be_measured_is_refused_with_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sex.csv").write_text("F;*\nM;*\n", encoding="utf-8")
    rows = {"sex": ["F", "M"] * 5, "__niji_rows": ["a"] * 10, "tests": [[1]] * 10}
    pq.write_table(pa.table(rows), "t.parquet")
    app = typer.Typer()
    app.command()(risk)
    app.command()(coverage)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0 if code is None else isinstance(done.exception, NijiError)
    assert code is None or getattr(done.exception, "code", None) == code
