"""Variant files: every allele of every sample, hard cases by hand, truncated and foreign files refused."""

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.sources.quarantine import Reason
from pipelines.sources.read import read_table
from policies.errors import DataError
from tests.support.source_tables import column, variants

HARD = Path(__file__).resolve().parents[2] / "golden" / "vcf_hard"
HEAD = (
    '##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\n"
)
ROW = "1\t%d\t.\tA\tC\t.\t.\t.\tGT\t0|1\t0/0\n"


def recount(sites: pa.Table) -> list[tuple[list[int], int, int]]:
    """AC of each ALT, AN and missing alleles of each site, from nothing but `gt`."""
    counts = []
    for gt, alt in zip(sites.column("gt").to_pylist(), sites.column("alt").to_pylist(), strict=True):
        alleles = np.frombuffer(gt, np.int8)
        each = np.bincount(alleles[alleles >= 0], minlength=len(alt) + 1)
        counts.append((each[1:].tolist(), int(each.sum()), int((alleles == -1).sum())))
    return counts


def _write(folder: Path, text: str, name: str = "t.vcf") -> Path:
    (folder / name).write_text(text)
    return folder


def test_the_hard_cases_have_the_alleles_counted_by_hand() -> None:
    reader = read_table(variants("hard.vcf"), landing=HARD)
    sites = reader.read_all()
    assert reader.samples == ("s1", "s2", "s3", "s4")
    expected = json.loads((HARD / "expected.json").read_text())["records"]
    found = [
        {"id": name, "ac": ac, "an": an, "missing": missing, "ploidy": ploidy}
        for name, ploidy, (ac, an, missing) in zip(
            sites.column("id").to_pylist(), sites.column("ploidy").to_pylist(), recount(sites), strict=True
        )
    ]
    assert found == [{key: item[key] for key in ("id", "ac", "an", "missing", "ploidy")} for item in expected]


def test_the_layout_tells_missing_from_absent_and_phased_from_unphased() -> None:
    sites = read_table(variants("hard.vcf"), landing=HARD).read_all().to_pylist()
    by_id = {site["id"]: site for site in sites}

    def matrix(name: str) -> list[list[int]]:
        return np.frombuffer(by_id[name]["gt"], np.int8).reshape(4, by_id[name]["ploidy"]).tolist()

    assert matrix("half") == [[-1, 1], [1, -1], [0, -1], [-1, -1]]
    assert matrix("bare") == [[-1, -2], [0, 1], [1, 1], [-1, -2]]
    assert matrix("mixed") == [[0, 1], [2, -2], [0, 2], [-1, -2]]
    assert matrix("haploid") == [[0], [1], [-1], [1]]
    assert by_id["plain"]["phased"] == bytes([1, 1, 0, 1])
    assert by_id["mixed"]["phased"] == bytes([0, 0, 1, 0])
    assert by_id["haploid"]["phased"] == bytes(4)
    assert by_id["monomorphic"]["alt"] == []
    assert by_id["star"]["alt"] == ["A", "*"]


@pytest.mark.tool
def test_bcftools_counts_the_same_alleles(outside_tool: Callable[[str], str], tmp_path: Path) -> None:
    bcftools = outside_tool("bcftools")
    for kind, name in (("z", "t.vcf.gz"), ("b", "t.bcf"), ("u", "u.bcf")):
        subprocess.run(
            [bcftools, "view", "--no-version", f"-O{kind}", "-o", tmp_path / name, HARD / "hard.vcf"], check=True
        )
    text = subprocess.run(
        [bcftools, "query", "-f", "%POS\t%AC\t%AN\n"],
        input=subprocess.run(
            [bcftools, "+fill-tags", HARD / "hard.vcf", "--", "-t", "AC,AN"], capture_output=True, check=True
        ).stdout,
        capture_output=True,
        check=True,
    ).stdout.decode()
    theirs = [tuple(line.split("\t")[1:]) for line in text.splitlines()]
    first = read_table(variants("hard.vcf"), landing=HARD).read_all()
    ours = [(",".join(map(str, ac)) or ".", str(an)) for ac, an, _ in recount(first)]
    assert ours == theirs
    for name in ("t.vcf.gz", "t.bcf", "u.bcf"):
        assert read_table(variants(name), landing=tmp_path).read_all() == first


def test_plain_gzip_is_read_and_several_files_are_appended(tmp_path: Path) -> None:
    _write(tmp_path, HEAD + ROW % 10, "a.vcf")
    (tmp_path / "b.vcf.gz").write_bytes(gzip.compress((HEAD + ROW % 5 + ROW % 7).encode()))
    reader = read_table(variants("a.vcf", "b.vcf.gz"), landing=tmp_path)
    assert reader.read_all().column("pos").to_pylist() == [10, 5, 7]
    assert list(reader.source_digests) == ["a.vcf", "b.vcf.gz"]


def test_files_with_other_samples_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, HEAD + ROW % 10, "a.vcf")
    _write(tmp_path, HEAD.replace("s2", "s9") + ROW % 20, "b.vcf")
    with pytest.raises(DataError) as caught:
        read_table(variants("a.vcf", "b.vcf"), landing=tmp_path)
    assert caught.value.code == "data.samples-differ"
    assert "s9" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "data.not-a-vcf"),
        ("id,name\n1,a\n", "data.not-a-vcf"),
        ("##fileformat=VCFv4.2\nnothing\n", "data.invalid-vcf"),
        (HEAD.split("\tFORMAT")[0] + "\n1\t5\t.\tA\tC\t.\t.\t.\n", "data.no-samples"),
        (HEAD + ROW % 5 + "1\tx\t.\tA\tC\t.\t.\t.\tGT\t0|1\t0/0\n", "data.invalid-vcf"),
        (HEAD + ROW % 9 + ROW % 5, "data.invalid-vcf"),
        (HEAD + (ROW % 9).replace("0|1", "0|7"), "data.invalid-vcf"),
        (HEAD + ROW[:-8] % 9, "data.invalid-vcf"),
        (HEAD.replace("s2", "s1") + ROW % 9, "data.invalid-vcf"),
        (HEAD.replace("ID=1>", "ID=1,length=248956422>") + ROW % 9, "data.assembly-differs"),
        (HEAD, "data.empty-table"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(DataError) as caught:
        read_table(variants("t.vcf"), landing=_write(tmp_path, text)).read_all()
    assert caught.value.code == code


def test_the_refusal_names_line_and_rule_and_no_text(tmp_path: Path) -> None:
    text = HEAD + ROW % 5 + "1\tCANARY\t.\tA\tC\t.\t.\t.\tGT\t0|1\t0/0\n"
    with pytest.raises(DataError) as caught:
        read_table(variants("t.vcf"), landing=_write(tmp_path, text)).read_all()
    assert caught.value.where.line == 6
    assert "POS pos" in caught.value.what
    assert "CANARY" not in str(caught.value)


def test_records_without_usable_calls_are_quarantined(tmp_path: Path) -> None:
    text = HEAD + ROW % 5 + "1\t6\t.\tA\tC\t.\t.\t.\tDP\t1\t2\n" + "1\t7\t.\tA\t.\t.\t.\t.\tGT\t0/1\t0/0\n" + ROW % 8
    reader = read_table(variants("t.vcf"), landing=_write(tmp_path, text))
    assert reader.read_all().column("pos").to_pylist() == [5, 8]
    assert [(row.line, row.reason) for row in reader.quarantine] == [(6, Reason.NO_GENOTYPE), (7, Reason.BAD_GENOTYPE)]


@pytest.mark.tool
def test_a_cut_file_is_refused(tmp_path: Path, outside_tool: Callable[[str], str]) -> None:
    rows = "".join(ROW % position for position in range(1, 9000))
    whole = gzip.compress((HEAD + rows).encode())
    (tmp_path / "cut.vcf.gz").write_bytes(whole[: len(whole) // 2])
    _write(tmp_path, HEAD + rows)
    bcftools = outside_tool("bcftools")
    for kind, name in (("z", "block.vcf.gz"), ("b", "block.bcf")):
        subprocess.run([bcftools, "view", f"-O{kind}", "-o", tmp_path / name, tmp_path / "t.vcf"], check=True)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[:-28])
        (tmp_path / f"half-{name}").write_bytes(data[: len(data) // 2])
    for name in ("cut.vcf.gz", "block.vcf.gz", "block.bcf", "half-block.vcf.gz", "half-block.bcf"):
        with pytest.raises(DataError) as caught:
            read_table(variants(name), landing=tmp_path).read_all()
        assert caught.value.code == "data.truncated", name


@pytest.mark.tool
def test_a_damaged_bcf_is_refused(tmp_path: Path, outside_tool: Callable[[str], str]) -> None:
    _write(tmp_path, HEAD + "".join(ROW % position for position in range(1, 900)))
    subprocess.run([outside_tool("bcftools"), "view", "-Ob", "-o", tmp_path / "t.bcf", tmp_path / "t.vcf"], check=True)
    whole = (tmp_path / "t.bcf").read_bytes()
    for at in range(30, len(whole) - 40, 97):
        data = bytearray(whole)
        data[at] ^= 0x55
        (tmp_path / "t.bcf").write_bytes(bytes(data))
        with pytest.raises(DataError) as caught:
            read_table(variants("t.bcf"), landing=tmp_path).read_all()
        assert caught.value.code in ("data.corrupt", "data.truncated", "data.not-a-vcf")


def test_htslib_says_nothing_on_standard_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = HEAD.replace("##contig=<ID=1>\n", "") + "CANARY\t5\t.\tA\tC\t.\tq\tX=1\tGT:ZZ\t0|1:9\t0/0:1\n"
    read_table(variants("t.vcf"), landing=_write(tmp_path, text)).read_all()
    assert capfd.readouterr() == ("", "")


def test_a_column_that_variants_do_not_have_is_refused(tmp_path: Path) -> None:
    policy = variants("t.vcf", columns=[column("chrom"), column("depth", "integer")])
    with pytest.raises(DataError) as caught:
        read_table(policy, landing=_write(tmp_path, HEAD + ROW % 5))
    assert caught.value.code == "data.missing-column"


def test_definitions_of_the_head_alone_do_not_stop_the_reading(tmp_path: Path) -> None:
    text = HEAD.replace("##contig", '##INFO=<ID=AC,Number=1,Type=Integer,Description="x">\n##contig') + ROW % 5
    assert read_table(variants("t.vcf"), landing=_write(tmp_path, text)).read_all().num_rows == 1
