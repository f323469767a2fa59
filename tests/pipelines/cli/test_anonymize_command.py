"""`niji anonymize` and `niji risk`: files in, files out, coded refusals, nothing half-written."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli.anonymize import anonymize
from pipelines.cli.risk import risk
from policies.errors import ExitCode, NijiError

ROWS = [
    ("pid", "age", "city", "illness", "memo"),
    ("p1", "21", "north", "flu", "first"),
    ("p1", "21", "north", "flu", "second"),
    ("p2", "23", "north", "cold", "third"),
    ("p3", "28", "south", "flu", "fourth"),
    ("p4", "29", "south", "cold", "fifth"),
    ("p5", "", "south", "flu", "sixth"),
    ("p6", "", "south", "cold", "seventh"),
]
AGES = "".join(f"{age};{age // 10 * 10}-{age // 10 * 10 + 9};*\n" for age in range(100))
CITIES = "north;*\nsouth;*\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "hierarchies"
    folder.mkdir()
    (folder / "age.csv").write_text(AGES, encoding="utf-8")
    (folder / "demo_city.csv").write_text(CITIES, encoding="utf-8")
    write(tmp_path / "table.csv", ROWS)
    return tmp_path


def write(path: Path, rows: list[tuple[str, ...]], delimiter: str = ";") -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(anonymize)
    app.command()(risk)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def anonymized(home: Path, *more: object, table: str = "table.csv", output: str = "out.csv", k: int = 2) -> Result:
    return run(
        "anonymize", home / table, "--output", home / output, "--quasi", "age,city", "--hierarchies",
        home / "hierarchies", "--k", k, *more,
    )  # fmt: skip


def failure(result: Result) -> NijiError:
    assert isinstance(result.exception, NijiError)
    return result.exception


def read(path: Path, delimiter: str = ";") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


def test_a_table_leaves_without_person_and_unnamed_columns_and_in_an_order_of_its_own(home: Path) -> None:
    result = anonymized(home, "--person", "pid", "--l", "illness=2", "--evidence", home / "evidence.json")
    assert result.exit_code == ExitCode.DONE, result.output
    rows = read(home / "out.csv")
    assert list(rows[0]) == ["age", "city", "illness"]
    assert [tuple(row.values()) for row in rows] == sorted(
        (tuple(row.values()) for row in rows), key=lambda row: [(value == "", value) for value in row]
    )
    evidence = json.loads((home / "evidence.json").read_text("utf-8"))
    assert evidence["node"] == {"age": 1, "city": 0}
    assert (evidence["k"], evidence["people"], evidence["records"], evidence["suppressed_records"]) == (2, 6, 7, 0)
    assert {"loss", "classes", "checks", "gap", "metric"} <= set(evidence)
    assert evidence["dropped_columns"] == ["pid", "memo"]
    assert all(check["passed"] for check in evidence["recount"])
    assert "p1" not in (home / "evidence.json").read_text("utf-8")
    assert sorted(path.name for path in home.iterdir()) == ["evidence.json", "hierarchies", "out.csv", "table.csv"]


def test_columns_that_are_named_to_be_kept_leave_as_they_are(home: Path) -> None:
    assert anonymized(home, "--keep", "memo").exit_code == ExitCode.DONE
    assert {row["memo"] for row in read(home / "out.csv")} == {row[4] for row in ROWS[1:]}


def test_json_is_the_evidence_and_nothing_else_is_on_standard_output(home: Path) -> None:
    result = anonymized(home, "--json")
    assert json.loads(result.stdout)["k_required"] == 2


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_every_format_gives_the_same_release(home: Path, ending: str) -> None:
    table = pa.table({name: [row[i] or None for row in ROWS[1:]] for i, name in enumerate(ROWS[0])})
    pq.write_table(table, home / "same.parquet")
    (home / "same.csv").write_bytes((home / "table.csv").read_bytes())
    (home / "same.csv.gz").write_bytes(gzip.compress((home / "table.csv").read_bytes()))
    assert anonymized(home, table=f"same.{ending}", output=f"out.{ending}").exit_code == ExitCode.DONE
    if ending == "parquet":
        rows = pq.read_table(home / "out.parquet").to_pylist()
    else:
        text = (home / f"out.{ending}").read_bytes()
        plain = (gzip.decompress(text) if ending == "csv.gz" else text).decode("utf-8")
        rows = [
            {name: value or None for name, value in row.items()}
            for row in csv.DictReader(plain.splitlines(), delimiter=";")
        ]
    assert [tuple(row.values()) for row in rows] == [
        ("20-29", "north"), ("20-29", "north"), ("20-29", "north"), ("20-29", "south"), ("20-29", "south"),
        (None, "south"), (None, "south"),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_read_from_the_header(home: Path, delimiter: str) -> None:
    write(home / "table.csv", ROWS, delimiter)
    assert anonymized(home).exit_code == ExitCode.DONE
    assert len(read(home / "out.csv", delimiter)[0]) == 2


@pytest.mark.parametrize(
    ("more", "settings", "code", "exit_code"),
    [
        (("--person", "nobody"), {}, "data.column-missing", ExitCode.DATA),
        (("--l", "illness"), {}, "usage.l", ExitCode.USAGE),
        (("--l", "illness=1"), {}, "usage.l", ExitCode.USAGE),
        (("--l", "illness=3", "--suppression-limit", "0"), {}, "data.no-solution", ExitCode.DATA),
        (("--person", "pid", "--keep", "pid"), {}, "usage.person-leaves", ExitCode.USAGE),
        ((), {"k": 100}, "data.too-few-people", ExitCode.DATA),
        ((), {"table": "gone.csv"}, "usage.no-such-file", ExitCode.USAGE),
        ((), {"output": "out.xlsx"}, "usage.table-format", ExitCode.USAGE),
        ((), {"output": "table.csv"}, "usage.output-is-input", ExitCode.USAGE),
        ((), {"output": "gone/out.csv"}, "output.cannot-write", ExitCode.DATA),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(
    home: Path, more: tuple[str, ...], settings: dict, code: str, exit_code: ExitCode
) -> None:
    before = sorted(path.name for path in home.iterdir())
    error = failure(anonymized(home, *more, **settings))
    assert (error.code, error.exit_code) == (code, exit_code)
    assert sorted(path.name for path in home.iterdir()) == before


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "data.empty"),
        (b"age;city\n", "data.empty"),
        (b"age;age\n1;2\n", "data.duplicate-column"),
        (b"age;city\n21;north\n22\n", "data.ragged-rows"),
        ("age;city\n21;北\n".encode("cp932"), "data.encoding"),
        (b"age;city\n21;north\n21;atlantis\n", "data.unseen-value"),
    ],
)
def test_a_table_that_is_not_as_it_should_be_is_refused_without_quoting_it(
    home: Path, content: bytes, code: str
) -> None:
    (home / "table.csv").write_bytes(content)
    error = failure(anonymized(home))
    assert error.code == code
    assert "atlantis" not in str(error)
    assert not (home / "out.csv").exists()


def test_truncated_files_are_refused(home: Path) -> None:
    packed = gzip.compress((home / "table.csv").read_bytes() * 50)
    (home / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    assert failure(anonymized(home, table="cut.csv.gz")).code == "data.unreadable"
    (home / "cut.parquet").write_bytes(b"PAR1 not really")
    assert failure(anonymized(home, table="cut.parquet")).code == "data.unreadable"


def test_a_hierarchy_must_be_there_once_and_be_one(home: Path) -> None:
    folder = home / "hierarchies"
    (folder / "other_city.csv").write_text(CITIES, encoding="utf-8")
    assert failure(anonymized(home)).code == "usage.hierarchy-ambiguous"
    (folder / "city.csv").write_text(CITIES, encoding="utf-8")
    assert anonymized(home).exit_code == ExitCode.DONE
    (folder / "age.csv").write_text("21;x;*\n21;x;*\n", encoding="utf-8")
    error = failure(anonymized(home))
    assert (error.code, error.exit_code) == ("policy.hierarchy-duplicate-leaf", ExitCode.POLICY)
    (folder / "age.csv").unlink()
    assert failure(anonymized(home)).code == "usage.hierarchy-missing"


def test_risk_prints_the_promised_object(home: Path) -> None:
    result = run(
        "risk", home / "table.csv", "--quasi", "age,city", "--sensitive", "illness", "--person", "pid", "--json"
    )
    report = json.loads(result.stdout)
    assert (report["k"], report["records"], report["people"], report["l"]) == (1, 7, 6, 1)
    shown = run("risk", home / "table.csv", "--quasi", "age,city")
    assert shown.exit_code == ExitCode.DONE
    assert "smallest class" in shown.output
    assert failure(run("risk", home / "table.csv", "--quasi", "gone")).code == "data.column-missing"


def test_people_are_shown_a_table_and_where_the_files_are(home: Path) -> None:
    result = anonymized(home)
    assert "proven best" in result.output
    assert "out.csv" in result.output


@pytest.mark.shared
def test_adult_through_the_command_line(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "clinical-tabular" / "adult"
    quasi = "sex,age,race,marital-status,education,native-country,workclass,occupation,salary-class"
    result = run(
        "anonymize", folder / "adult.csv.gz", "--output", tmp_path / "out.parquet", "--quasi", quasi,
        "--hierarchies", folder, "--k", 5, "--suppression-limit", 0, "--json",
    )  # fmt: skip
    evidence = json.loads(result.stdout)
    assert evidence["loss"] == pytest.approx(0.573151, abs=5e-7)
    assert list(evidence["node"].values()) == [0, 4, 1, 1, 3, 2, 2, 1, 0]
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 30_162


def test_local_recoding_writes_labels_of_several_levels_and_says_how(home: Path) -> None:
    rows = [ROWS[0], *((f"p{n}", age, "north", "flu", "-") for n, age in enumerate(["21"] * 3 + ["28", "29", "35"]))]
    write(home / "table.csv", rows)
    result = anonymized(home, "--recoding", "local", "--evidence", home / "evidence.json", "--keep", "illness")
    assert result.exit_code == 0, result.output
    published = read(home / "out.csv")
    assert len(published) == 6
    assert {row["age"] for row in published} > {"21"}
    evidence = json.loads((home / "evidence.json").read_text("utf-8"))
    assert (evidence["recoding"], evidence["k"], evidence["suppressed_records"]) == ("local", 3, 0)
    assert sum(evidence["levels"]["age"].values()) == 6
    assert evidence["arithmetic_loss"] < 1
    assert {"node_loss", "comparisons", "is_global"} <= set(evidence["how"])
    assert all(check["passed"] for check in evidence["recount"])
    assert "for the whole table" in " ".join(result.stdout.split())
    again = anonymized(home, "--recoding", "local", "--effort", 0, "--json", output="peeled.csv")
    assert json.loads(again.stdout)["how"]["comparisons"] == 0


def test_effort_without_local_recoding_is_refused(home: Path) -> None:
    assert failure(anonymized(home, "--effort", 5)).code == "usage.effort"


def test_free_cuts_write_intervals_and_the_evidence_says_so(home: Path) -> None:
    rows = [ROWS[0], *((f"p{n}", age, "north", "flu", "-") for n, age in enumerate(["28", "29", "30", "31", "", ""]))]
    write(home / "table.csv", rows)
    asked = ("--recoding", "local", "--free-cuts", "age", "--evidence", home / "evidence.json")
    result = anonymized(home, *asked, k=4)
    assert result.exit_code == 0, result.output
    assert {row["age"] for row in read(home / "out.csv")} == {"*"}
    result = anonymized(home, *asked)
    assert result.exit_code == 0, result.output
    assert {row["age"] for row in read(home / "out.csv")} == {"28-29", "30-31", ""}
    evidence = json.loads((home / "evidence.json").read_text("utf-8"))
    assert evidence["free_cuts"] == evidence["how"]["free_cuts"]["columns"] == ["age"]
    assert all(check["passed"] for check in evidence["recount"])
    assert "Free cuts on age" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--free-cuts", "age"), "usage.free-cuts"),
        (("--recoding", "local", "--free-cuts", "age", "--utility"), "usage.free-cuts"),
        (("--recoding", "local", "--free-cuts", "city"), "policy.free-cuts"),
        (("--recoding", "local", "--free-cuts", "illness"), "policy.free-cuts"),
    ],
    ids=["global", "utility", "letters", "no quasi-identifier"],
)
def test_free_cuts_where_there_can_be_none_are_refused(home: Path, options: tuple[str, ...], code: str) -> None:
    assert failure(anonymized(home, *options)).code == code
    assert not (home / "out.csv").exists()
