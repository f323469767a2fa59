"""The specification check: one passing and one refused text a rule, and the public conformance files."""

import gzip
import io
import tarfile
import time
from pathlib import Path

import pytest
from cyvcf2 import VCF
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sources.vcf_check import check_stream, check_vcf
from pipelines.sources.vcf_meta import Header
from pipelines.sources.vcf_report import VcfReport
from pipelines.sources.vcf_samples import SampleChecker, check_cell

META = '##fileformat=VCFv4.3\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\n"
RECORD = {
    "chrom": "1",
    "pos": "5",
    "id": ".",
    "ref": "A",
    "alt": "C",
    "qual": ".",
    "filter": ".",
    "info": ".",
    "format": "GT",
    "s1": "0|1",
    "s2": "0/0",
}


def _check(text: str) -> VcfReport:
    return check_stream(io.BytesIO(text.encode()))


def _rules(text: str) -> set[str]:
    return {item.rule for item in _check(text).errors}


def _record(**more: str) -> str:
    return "\t".join((RECORD | more).values()) + "\n"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"chrom": "HLA-A*01:01:01:01"},
        {"chrom": "<asm1>"},
        {"pos": "0"},
        {"id": "rs1;rs2"},
        {"ref": "acgtN"},
        {"alt": "C,*,<DEL>,<DUP:TANDEM>,G]2:123],.A,]<c1>:7]A", "s1": "7|0"},
        {"alt": "."},
        {"qual": "1e3"},
        {"filter": "PASS"},
        {"filter": "q10;s50"},
        {"info": "AC=1;AN=4;AF=0.25;DB;X=a,b"},
        {"info": "AC=."},
        {"s1": "./1", "s2": "."},
        {"format": "GT:DP:PL", "s1": "0/1:7:0,1,2", "s2": "0:.:1,2"},
        {"format": "GT:DP:GL", "s1": "0/1", "s2": ".:.:."},
        {"format": "DP", "s1": "3", "s2": "."},
    ],
)
def test_a_record_the_specification_allows_passes(more: dict[str, str]) -> None:
    assert _rules(META + COLUMNS + _record(**more)) == set()


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"chrom": "chr 1"}, "chrom"),
        ({"chrom": "chr,1"}, "chrom"),
        ({"pos": "-1"}, "pos"),
        ({"pos": "1.5"}, "pos"),
        ({"id": "a b"}, "id"),
        ({"id": "a;a"}, "id-repeated"),
        ({"ref": "."}, "ref"),
        ({"ref": "R"}, "ref"),
        ({"alt": "A,,C"}, "alt"),
        ({"alt": "[1:100["}, "alt"),
        ({"alt": "<A>B>"}, "alt"),
        ({"alt": "C,C"}, "alt-repeated"),
        ({"qual": "-1"}, "qual"),
        ({"filter": "q10;."}, "filter"),
        ({"filter": "q10;q10"}, "filter-repeated"),
        ({"info": "AC=-1"}, "info-value"),
        ({"info": "AC=1,2"}, "info-value"),
        ({"info": "DB=2"}, "info-value"),
        ({"info": "A B=1"}, "info-key"),
        ({"info": "AN=1;AN=1"}, "info-repeated-key"),
        ({"info": ""}, "info-key"),
        ({"format": "DP:GT", "s1": "1:0/1", "s2": "1:0/1"}, "gt-not-first"),
        ({"format": "GT::DP"}, "format-key"),
        ({"format": "GT:DP:DP"}, "format-repeated-key"),
        ({"s1": "0|2"}, "gt-allele-out-of-range"),
        ({"s1": "0/|1"}, "gt-syntax"),
        ({"s1": ""}, "gt-syntax"),
        ({"s1": "0/1:3"}, "gt-syntax"),
        ({"format": "GT:DP", "s1": "0/1:3:4"}, "sample-too-many-fields"),
        ({"format": "GT:DP", "s1": "0/1:x"}, "sample-value"),
        ({"format": "GT:PL", "s1": "0/1:1,2"}, "sample-value"),
        ({"s2": "0/0\t0/0"}, "column-count"),
    ],
)
def test_a_record_the_specification_forbids_is_found(more: dict[str, str], rule: str) -> None:
    report = _check(META + COLUMNS + _record(**more))
    assert rule in {item.rule for item in report.errors}
    assert {item.line for item in report.errors} == {5}
    assert not report.readable


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "fileformat"),
        ("#CHROM\n", "fileformat"),
        ("##fileformat=VCF v4.3\n" + COLUMNS, "fileformat"),
        (META, "columns-missing"),
        (META + COLUMNS.replace("POS", "POSITION"), "columns"),
        (META + COLUMNS.replace("\ts1\ts2", ""), "columns"),
        (META + COLUMNS.replace("s2", "s1"), "sample-repeated"),
        (META + COLUMNS.replace("s2", ""), "sample-unnamed"),
        (META + "plain\n" + COLUMNS, "meta-unstructured"),
        (META + "##plain\n" + COLUMNS, "meta-not-key-value"),
        (META + "##INFO=<ID=a\n" + COLUMNS, "meta-structure"),
        (META + '##INFO=<ID=a,Number=N,Type=Integer,Description="d">\n' + COLUMNS, "meta-number"),
        (META + '##INFO=<ID=a,Number=1,Type=Int,Description="d">\n' + COLUMNS, "meta-type"),
        (META + "##INFO=<ID=a,Number=1,Type=Integer,Description=d>\n" + COLUMNS, "meta-description"),
        (META + '##INFO=<Number=1,ID=a,Type=Integer,Description="d">\n' + COLUMNS, "meta-order"),
        (META + '##INFO=<ID=AC,Number=1,Type=Integer,Description="d">\n' + COLUMNS, "reserved-number"),
        (META + '##INFO=<ID=AC,Number=A,Type=Float,Description="d">\n' + COLUMNS, "reserved-type"),
        (META + '##ALT=<ID=BAD:X,Description="d">\n' + COLUMNS, "alt-prefix"),
        (META + "##contig=<length=4>\n" + COLUMNS, "meta-id"),
        (META + COLUMNS + _record(pos="9") + _record(pos="8"), "not-sorted"),
        (META + COLUMNS + _record() + _record(chrom="2") + _record(), "contig-not-contiguous"),
        (META + COLUMNS + _record() + _record(), "variant-repeated"),
        (META + COLUMNS + _record(ref="TAT", alt="TGT") + _record(pos="6", ref="A", alt="G"), "variant-repeated"),
        (META + COLUMNS + "\n" + _record(), "blank-line"),
        (META + COLUMNS + _record()[:-1], "no-line-break-at-end"),
    ],
)
def test_a_file_the_specification_forbids_is_found(text: str, rule: str) -> None:
    assert rule in _rules(text)


def test_text_that_is_not_utf8_is_found() -> None:
    report = check_stream(io.BytesIO((META + COLUMNS + _record(info="X=é")).encode("latin-1")))
    assert [item.rule for item in report.errors] == ["not-utf8"]


def test_the_report_counts_all_and_keeps_the_first() -> None:
    text = META + COLUMNS + "".join(_record(pos=str(n), qual="x") for n in range(1500))
    report = _check(text)
    assert (report.error_count, len(report.findings), report.records) == (1500, 1000, 1500)
    assert report.as_json()["valid"] is False


@pytest.mark.shared
@pytest.mark.parametrize("version", ["4.1", "4.2", "4.3"])
def test_the_public_conformance_files_are_judged(shared_data: Path, version: str) -> None:
    """No valid file is refused; at least 98 % of the invalid ones are."""
    verdicts: dict[bool, list[bool]] = {True: [], False: []}
    with tarfile.open(shared_data / "bad-input" / f"vcf-validator-v{version}.tar.gz") as archive:
        for member in archive.getmembers():
            parts = Path(member.name).parts
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None or len(parts) != 3 or parts[1] not in ("passed", "failed"):
                continue
            verdicts[parts[1] == "passed"].append(check_stream(io.BytesIO(stream.read())).valid)
    assert len(verdicts[True]) >= 25
    assert all(verdicts[True])
    assert verdicts[False].count(False) / len(verdicts[False]) >= 0.98


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "valid", "readable"),
    [
        ("1kg_p3_chr22_10k/10k.chr22.phase3.vcf.gz", True, True),
        ("giab_ashkenazi_trio.vcf.gz", True, True),
        ("str_gangstr_ceu_trio_chr21.vcf.gz", True, True),
        ("pgx_getrm_30x_grch38_chr22.vcf.bgz", True, True),
        ("1kg_30x_grch38_chr1_head.vcf.gz", False, True),  # INFO AC declared with Number=1
        ("1kg_p3_subset/1KG_phase3_subset_chr1.vcf.gz", False, True),  # descriptions of ALT without quotes
    ],
)
def test_public_genomes_are_readable(shared_data: Path, name: str, valid: bool, readable: bool) -> None:
    report = check_vcf(shared_data / "genome" / name)
    assert (report.valid, report.readable) == (valid, readable)


@pytest.mark.shared
def test_the_check_costs_no_more_than_three_times_the_reading(shared_data: Path) -> None:
    path = shared_data / "genome" / "1kg_p3_chr22_10k" / "10k.chr22.phase3.vcf.gz"
    start = time.process_time()
    for record in VCF(str(path)):
        record.genotype.array()
    middle = time.process_time()
    assert check_vcf(path).records == 9750
    assert time.process_time() - middle <= 3 * (middle - start)


CALLS = st.sampled_from(["0/1", "1|1", ".", "./.", "0", "2", "0/2", "3/0", "0/1/1", "x", "", "0|", "10/0"])
VALUES = st.sampled_from(["", ".", "1", "-1", "1,2", "1,2,3", ".,.,.", "1.5", "x", "1,2,3,4,5,6", "a b"])


@given(st.lists(st.tuples(CALLS, VALUES, VALUES, st.integers(1, 4)), min_size=1, max_size=4), st.integers(0, 3))
def test_the_fast_expression_and_the_last_word_agree(samples: list[tuple[str, str, str, int]], alts: int) -> None:
    header = Header(version="4.2")
    keys = ("GT", "DP", "PL")
    cells = [":".join(sample[:3][: min(sample[3], 3)]) + (":1" if sample[3] == 4 else "") for sample in samples]
    found = SampleChecker(header).check_samples(b"GT:DP:PL", "\t".join(cells).encode(), alts)
    definitions = tuple(header.definition_of_format(key) for key in keys)
    expected = {rule for cell in cells for rule in check_cell(cell.encode(), keys, definitions, alts)}
    assert set(found) == expected


@given(st.binary(max_size=400))
def test_any_bytes_give_a_report(data: bytes) -> None:
    for head in (b"", META.encode(), (META + COLUMNS).encode()):
        assert isinstance(check_stream(io.BytesIO(head + data)).valid, bool)


def test_gzip_is_unpacked_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "t.vcf"
    path.write_bytes(gzip.compress((META + COLUMNS + _record()).encode()))
    assert check_vcf(path).valid
