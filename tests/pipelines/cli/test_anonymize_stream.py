"""`niji anonymize` streams: whatever the file's types and the command's end, the release is whole or not there."""

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from pipelines.cli import table_files
from pipelines.cli.anonymize import anonymize, workspace
from pipelines.cli.table_files import write_table_file, write_whole
from pipelines.cli.table_streams import read_head, row_batches, write_table_pieces
from policies.errors import DataError, ExitCode, UsageError

CITIES = ("north", "south", "east")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "hierarchies"
    folder.mkdir()
    (folder / "city.csv").write_text("".join(f"{city};*\n" for city in CITIES), "utf-8")
    (folder / "age.csv").write_text("".join(f"{age};{age // 10 * 10}+;*\n" for age in range(60)), "utf-8")
    return tmp_path


def table(rows: int = 300) -> pa.Table:
    return pa.table(
        {
            "who": pa.array([n // 2 for n in range(rows)], pa.int64()),
            "city": pa.array([None if n % 17 == 0 else CITIES[n % 3] for n in range(rows)], pa.string()),
            "age": pa.array([n * 7 % 60 for n in range(rows)], pa.int32()),
            "cost": pa.array([Decimal(n % 5) / 4 for n in range(rows)], pa.decimal128(9, 2)),
        }
    )


def run(home: Path, source: Path, output: str, *more: object) -> Result:
    app = typer.Typer()
    app.command()(anonymize)
    words = [source, "--output", home / output, "--quasi", "city,age", "--hierarchies", home / "hierarchies", "--k", 3]
    words += ["--keep", "cost", "--person", "who", *more]
    return CliRunner().invoke(app, [str(word) for word in words])


def left(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.name.startswith("."))


def as_dictionary(rows: pa.Table) -> pa.Table:
    return rows.set_column(1, "city", rows.column("city").dictionary_encode())


def with_lists(rows: pa.Table) -> pa.Table:
    return rows.append_column("stay", pa.array([["a", None]] * rows.num_rows))


def with_row_number(rows: pa.Table) -> pa.Table:
    return rows.append_column("file_row_number", pa.array([0] * rows.num_rows))


def with_names_that_differ_by_case(rows: pa.Table) -> pa.Table:
    return rows.append_column("City", pa.array(["elsewhere"] * rows.num_rows))


@pytest.mark.parametrize("changed", [as_dictionary, with_lists, with_row_number, with_names_that_differ_by_case])
def test_a_file_that_the_engine_reads_in_another_way_gives_the_same_release(home: Path, changed: Any) -> None:
    pq.write_table(table(), home / "plain.parquet")
    pq.write_table(changed(table()), home / "changed.parquet")
    assert run(home, home / "plain.parquet", "plain_out.parquet").exit_code == ExitCode.DONE
    assert run(home, home / "changed.parquet", "changed_out.parquet").exit_code == ExitCode.DONE
    assert (home / "plain_out.parquet").read_bytes() == (home / "changed_out.parquet").read_bytes()


def test_a_type_that_no_engine_gives_back_leaves_as_it_came(home: Path) -> None:
    pq.write_table(with_lists(table()), home / "table.parquet")
    done = run(home, home / "table.parquet", "out.parquet", "--keep", "stay")
    assert done.exit_code == ExitCode.DONE, done.exception
    assert pq.read_table(home / "out.parquet").column("stay").to_pylist()[0] == ["a", None]


def test_a_name_with_the_signs_of_a_pattern_is_one_file(home: Path) -> None:
    pq.write_table(table(), home / "t[1]'*.parquet")
    pq.write_table(table(), home / "t1.parquet")
    assert run(home, home / "t[1]'*.parquet", "out.parquet").exit_code == ExitCode.DONE


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_a_table_written_in_pieces_is_the_file_that_was_written_whole(tmp_path: Path, ending: str) -> None:
    rows = table(5000)
    write_table_file(rows, tmp_path / f"whole.{ending}", delimiter=";")
    pieces = [rows] if ending == "parquet" else [rows.slice(start, 999) for start in range(0, 5000, 999)]
    write_table_pieces(pieces, tmp_path / f"pieces.{ending}", schema=rows.schema, delimiter=";")
    assert (tmp_path / f"whole.{ending}").read_bytes() == (tmp_path / f"pieces.{ending}").read_bytes()


def test_delimited_text_is_given_as_it_is_read_whole(tmp_path: Path) -> None:
    rows = [f'{n};"two\nlines; {n}";' for n in range(90_000)]
    (tmp_path / "t.csv").write_text("a;b;c\n" + "\n".join(rows) + "\n", "utf-8")
    whole = table_files.read_table_file(tmp_path / "t.csv")
    batches = list(row_batches(head := read_head(tmp_path / "t.csv"), ["a", "b", "c"]))
    assert len(batches) > 1
    assert pa.Table.from_batches(batches) == whole.table.combine_chunks()
    assert (head.digest, head.delimiter) == (whole.digest, ";")


def test_ragged_rows_far_down_are_refused_and_nothing_is_left(home: Path) -> None:
    lines = [f"{n // 2};north;{n % 60};1" for n in range(100_000)]
    (home / "t.csv").write_text("who;city;age;cost\n" + "\n".join([*lines, "1;north"]) + "\n", "utf-8")
    refused = run(home, home / "t.csv", "out.csv").exception
    assert isinstance(refused, DataError)
    assert refused.code == "data.ragged-rows"
    assert left(home) == []
    assert not (home / "out.csv").exists()


def test_a_damaged_page_is_refused_without_a_value(home: Path) -> None:
    pq.write_table(table(20_000), home / "t.parquet", compression="none", use_dictionary=False)
    damaged = bytearray((home / "t.parquet").read_bytes())
    damaged[4:200] = b"\xff" * 196
    (home / "t.parquet").write_bytes(damaged)
    refused = run(home, home / "t.parquet", "out.parquet").exception
    assert isinstance(refused, DataError)
    assert refused.code == "data.unreadable"
    assert left(home) == []


def test_a_table_that_is_written_to_meanwhile_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(table(), home / "t.parquet")
    recounting = workspace.Workspace.recounting

    def and_written_to(*arguments: Any) -> Any:
        os.utime(home / "t.parquet", ns=(1, 1))
        return recounting(*arguments)

    monkeypatch.setattr(workspace.Workspace, "recounting", and_written_to)
    refused = run(home, home / "t.parquet", "out.parquet", "--evidence", home / "e.json").exception
    assert isinstance(refused, DataError)
    assert refused.code == "data.changed"
    assert not (home / "out.parquet").exists()
    assert not (home / "e.json").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, pa.ArrowInvalid, RuntimeError, MemoryError])
def test_whatever_ends_a_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    output = tmp_path / "out.csv"
    output.write_text("old", "utf-8")

    def half(temporary: Path) -> None:
        temporary.write_text("half", "utf-8")
        raise error

    with pytest.raises(error):
        write_whole(output, half)
    assert [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()] == [("out.csv", "old")]


KILLED = """
import sys, time
import pipelines.cli.table_streams as streams
from pipelines.cli.main import main
def slow(pieces, *rest, write=streams._write_delimited):
    def first_then_wait():
        for piece in pieces:
            yield piece.slice(0, 10)
            print("writing", flush=True)
            time.sleep(60)
    write(first_then_wait(), *rest)
streams._write_delimited = slow
main()
"""


def test_a_process_killed_while_it_writes_leaves_the_old_output_and_the_next_run_works(home: Path) -> None:
    pq.write_table(table(), home / "t.parquet")
    (home / "out.csv").write_text("old", "utf-8")
    words = [home / "t.parquet", "--output", home / "out.csv", "--quasi", "city,age", "--k", 3]
    words += ["--hierarchies", home / "hierarchies", "--person", "who"]
    command = [sys.executable, "-c", KILLED, "anonymize", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert (home / "out.csv").read_text("utf-8") == "old"
    abandoned = left(home)
    assert any(name.startswith(".niji-work-") for name in abandoned)
    assert not any(b"north" in path.read_bytes() for path in home.glob(".niji-work-*/*.parquet"))
    assert run(home, home / "t.parquet", "out.csv").exit_code == ExitCode.DONE
    assert (home / "out.csv").read_text("utf-8").startswith('"city","age","cost"\n')
    assert not any(name.startswith(".niji-work-") for name in left(home))


def test_the_workspace_of_a_process_that_lives_stays(tmp_path: Path) -> None:
    with workspace.open_workspace(tmp_path / "a.csv") as first:
        with workspace.open_workspace(tmp_path / "b.csv"):
            assert first.folder.is_dir()
            assert first.folder.stat().st_mode & 0o777 == 0o700
        assert first.folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_search_that_may_check_one_node_says_how_far_it_is_from_the_best(home: Path) -> None:
    pq.write_table(table(), home / "t.parquet")
    limits = ["--checks", 1, "--evidence", home / "e.json", "--suppression-limit", 0.5]
    done = run(home, home / "t.parquet", "out.parquet", *limits)
    assert done.exit_code == ExitCode.DONE, done.exception
    record = json.loads((home / "e.json").read_text("utf-8"))
    assert record["search_limit"] == {"checks": 1}
    assert f"gap {record['gap']:.6f}" in done.stdout if record["gap"] else "proven best" in done.stdout
    assert all(check["passed"] for check in record["recount"])


def test_a_search_that_is_over_at_once_still_gives_a_release(home: Path) -> None:
    pq.write_table(table(), home / "t.parquet")
    done = run(home, home / "t.parquet", "out.parquet", "--seconds", 0, "--evidence", home / "e.json")
    assert done.exit_code == ExitCode.DONE, done.exception
    assert json.loads((home / "e.json").read_text("utf-8"))["search_limit"] == {"seconds": 0.0}


@pytest.mark.parametrize("option", ["--checks", "--seconds"])
def test_limits_of_the_search_are_refused_beside_local_recoding(home: Path, option: str) -> None:
    pq.write_table(table(), home / "t.parquet")
    refused = run(home, home / "t.parquet", "out.parquet", "--recoding", "local", option, 1).exception
    assert isinstance(refused, UsageError)
    assert refused.code == "usage.effort"
