"""`niji genome`: check, count, bound."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from pipelines.cli.genome import app
from policies.errors import DataError, ExitCode, UsageError

HEAD = """##fileformat=VCFv4.2
##contig=<ID=1>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{}
"""


def vcf(path: Path, samples: list[str], sites: list[tuple[int, str, list[str]]]) -> Path:
    lines = [f"1\t{pos}\t.\tA\t{alt}\t.\t.\t.\tGT\t" + "\t".join(calls) for pos, alt, calls in sites]
    path.write_text(HEAD.format("\t".join(samples)) + "\n".join([*lines, ""]))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return vcf(tmp_path / "first.vcf", ["a", "b"], [(5, "C", ["0/1", "1/1"]), (9, "G,T", ["1/2", "./1"])])


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return vcf(tmp_path / "second.vcf", ["c"], [(5, "C", ["0|1"]), (9, "G,T", ["0/0"])])


def rows(path: Path) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in ("POS", "ALT", "AC", "AN")) for row in pq.read_table(path).to_pylist()]


def test_a_valid_file_passes_and_an_invalid_one_ends_with_11(tmp_path: Path, first: Path) -> None:
    good = run("check", first, "--json")
    assert (good.exit_code, json.loads(good.stdout)["valid"]) == (0, True)
    broken = tmp_path / "broken.vcf"
    broken.write_text(first.read_text().replace("\t5\t", "\tfive\t"))
    bad = run("check", broken, "--json")
    assert bad.exit_code == ExitCode.DATA
    finding = json.loads(bad.stdout)["findings"][0]
    assert set(finding) >= {"line", "field", "rule", "severity"}
    assert "INVALID" in run("check", broken).stdout


def test_one_file_gives_one_row_per_alt(tmp_path: Path, first: Path) -> None:
    output = tmp_path / "sites.parquet"
    assert run("frequencies", first, "--output", output).exit_code == 0
    assert rows(output) == [(5, "C", 3, 4), (9, "G", 2, 3), (9, "T", 1, 3)]
    assert pq.read_schema(output).names[:7] == ["CHROM", "POS", "REF", "ALT", "AC", "AN", "AF"]


def test_shards_of_the_same_sites_are_added(tmp_path: Path, first: Path, second: Path) -> None:
    output = tmp_path / "sites.parquet"
    done = run("frequencies", first, second, "--output", output, "--json")
    assert json.loads(done.stdout)["samples"] == 3
    assert rows(output) == [(5, "C", 4, 6), (9, "G", 2, 5), (9, "T", 1, 5)]


def test_shards_that_list_other_sites_need_the_word_that_unlisted_is_reference(tmp_path: Path, first: Path) -> None:
    other = vcf(tmp_path / "other.vcf", ["c"], [(5, "C", ["0|1"])])
    output = tmp_path / "sites.parquet"
    refused = run("frequencies", first, other, "--output", output)
    assert isinstance(refused.exception, DataError)
    assert not output.exists()
    assert run("frequencies", first, other, "--output", output, "--unlisted-is-reference").exit_code == 0
    assert rows(output) == [(5, "C", 4, 6), (9, "G", 2, 5), (9, "T", 1, 5)]


def test_the_same_samples_twice_are_refused(tmp_path: Path, first: Path) -> None:
    result = run("frequencies", first, first, "--output", tmp_path / "sites.parquet")
    assert isinstance(result.exception, DataError)
    assert result.exception.code == "genome.shards-overlap"


def test_a_panel_splits_the_counts_also_over_shards(tmp_path: Path, first: Path, second: Path) -> None:
    # The 1000 Genomes panel ends its lines with empty fields.
    panel = tmp_path / "panel.tsv"
    panel.write_text("sample\tpop\tgender\t\t\na\tX\tmale\nb\tY\tmale\nc\tX\tfemale\n")
    output = tmp_path / "sites.parquet"
    assert run("frequencies", first, second, "--output", output, "--panel", panel, "--by", "pop").exit_code == 0
    found = {(r["POS"], r["ALT"], r["POPULATION"]): (r["AC"], r["AN"]) for r in pq.read_table(output).to_pylist()}
    assert found[5, "C", "Total"] == (4, 6)
    assert found[5, "C", "X"] == (2, 4)
    assert found[5, "C", "Y"] == (2, 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("sample,pop\na,X\n", "genome.samples-not-in-panel"),
        ("sample,other\na,X\nb,Y\n", "genome.panel-column"),
        ("sample,pop\na,X\na,Y\nb,Y\n", "genome.panel-rows"),
        ("sample,pop\na,X\nb,\n", "genome.panel-rows"),
        ("", "genome.panel-column"),
    ],
)
def test_a_panel_that_does_not_fit_is_refused(tmp_path: Path, first: Path, text: str, code: str) -> None:
    panel = tmp_path / "panel.csv"
    panel.write_text(text)
    result = run("frequencies", first, "--output", tmp_path / "s.parquet", "--panel", panel, "--by", "pop")
    assert isinstance(result.exception, DataError)
    assert result.exception.code == code


def test_wrong_calls_end_with_a_usage_error(tmp_path: Path, first: Path) -> None:
    for words in (
        ("check", tmp_path / "nothing.vcf"),
        ("frequencies", tmp_path / "nothing.vcf", "--output", tmp_path / "s.parquet"),
        ("frequencies", first, "--output", tmp_path / "s.csv"),
        ("frequencies", first, "--output", tmp_path / "s.parquet", "--panel", first),
    ):
        assert isinstance(run(*words).exception, UsageError)


def test_an_invalid_file_is_not_counted(tmp_path: Path, first: Path) -> None:
    first.write_text(first.read_text().replace("\t5\t", "\tfive\t"))
    result = run("frequencies", first, "--output", tmp_path / "s.parquet")
    assert isinstance(result.exception, DataError)
    assert [path.name for path in tmp_path.iterdir()] == ["first.vcf"]


def test_risk_counts_polymorphic_alleles_and_bounds_the_power(tmp_path: Path) -> None:
    path = tmp_path / "sites.parquet"
    pq.write_table(pa.table({"AC": [1, 0, 10, 4, None], "AN": [10, 10, 10, 10, 10], "POS": [1, 2, 3, 4, 5]}), path)
    result = json.loads(run("risk", path, "--people", 5, "--json").stdout)
    assert result["sites"] == 2
    assert result["polymorphic_alleles"] == 2
    assert result["power_bound"] == pytest.approx(0.1556, abs=1e-3)
    assert result["holds"] is True
    assert "within" in run("risk", path, "--people", 5).stdout
    assert "OVER" in run("risk", path, "--people", 5, "--max-power", "0.1").stdout


def test_risk_reads_the_european_layout(shared_data: Path) -> None:
    path = shared_data / "genome" / "gdi_allele-freq-chr3.4.parquet"
    table = pq.read_table(path, columns=["POPULATION"])
    names = sorted(set(table["POPULATION"].to_pylist()))
    result = json.loads(run("risk", path, "--people", 1000, "--population", names[0], "--json").stdout)
    assert 0 < result["sites"] <= table.num_rows


def test_risk_of_a_file_without_counts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sites.parquet"
    pq.write_table(pa.table({"POS": [1]}), path)
    assert isinstance(run("risk", path, "--people", 5).exception, DataError)
