"""Allele counts: the hard calls, the golden file, shards, and outside tools as oracles."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cyvcf2 import VCF
from hypothesis import given
from hypothesis import strategies as st

from anonymization.genome.frequencies import add_shards, allele_counts, count_batches
from anonymization.tables import GenotypeTable
from policies.errors import DataError
from tests.support.genotypes import genotype_policy, genotypes, read_vcf

# The hard calls of reference section 1.4: many ALTs, `*`, <DEL>, no ALT, half calls, haploid X, bare missing, triploid.
HARD = [
    ("1", 10, "A", ["C"], ["0/1", "1/1", "./1", "./."]),
    ("1", 20, "A", ["C", "G"], ["1/2", "2/2", "0|2", "."]),
    ("X", 30, "A", ["C"], ["1", "0", "0/1", "."]),
    ("1", 40, "A", ["C", "*"], ["1/2", "0/2", "0/1", "2/2"]),
    ("1", 50, "A", [], ["0/0", "0/0", "0/0", "0/0"]),
    ("1", 60, "A", ["<DEL>"], ["0/1", "1|1", "0/.", "./."]),
    ("1", 70, "A", list("CGT") + [f"A{base * 2}" for base in "ACGT"] + [f"C{base}" for base in "ACGT"],
     ["11/11", "1/2", "10|3", "./11"]),
    ("1", 80, "A", ["C"], [".", ".", ".", "."]),
    ("1", 90, "A", ["C"], ["1/1/1", "0/1/1", "1/1", "./0/1"]),
]  # fmt: skip

# (POS, ALT) → AC, AN, NS, AC_HET, AC_HOM, AC_HEMI; by hand from the definitions, equal to bcftools except at 90,
# where bcftools 1.16 counts two chromosomes of a triploid call.
EXPECTED = {
    (10, "C"): (4, 5, 3, 1, 2, 1),
    (20, "C"): (1, 6, 3, 1, 0, 0),
    (20, "G"): (4, 6, 3, 2, 2, 0),
    (30, "C"): (2, 4, 3, 1, 0, 1),
    (40, "C"): (2, 8, 4, 2, 0, 0),
    (40, "*"): (4, 8, 4, 2, 2, 0),
    (60, "<DEL>"): (3, 5, 3, 1, 2, 0),
    (70, "C"): (1, 7, 4, 1, 0, 0),
    (70, "G"): (1, 7, 4, 1, 0, 0),
    (70, "T"): (1, 7, 4, 1, 0, 0),
    (70, "CG"): (1, 7, 4, 1, 0, 0),
    (70, "CT"): (3, 7, 4, 0, 2, 1),
    (80, "C"): (0, 0, 0, 0, 0, 0),
    (90, "C"): (8, 10, 4, 3, 5, 0),
}
SUMS = ("AC", "AN", "NS", "AC_HET", "AC_HOM", "AC_HEMI")


def by_allele(counts: pa.Table) -> dict[tuple[int, str], tuple[int, ...]]:
    return {(row["POS"], row["ALT"]): tuple(row[name] for name in SUMS) for row in counts.to_pylist()}


def test_hard_calls_are_counted_allele_by_allele() -> None:
    got = by_allele(allele_counts(genotypes(HARD)))
    assert {key: got[key] for key in EXPECTED} == EXPECTED
    assert len(got) == sum(len(site[3]) for site in HARD)


def test_frequency_is_null_where_nobody_was_called() -> None:
    rows = {row["POS"]: row["AF"] for row in allele_counts(genotypes(HARD)).to_pylist()}
    assert rows[80] is None
    assert rows[10] == pytest.approx(0.8)


def test_no_sites_and_no_samples_give_counts_of_nothing() -> None:
    empty = genotypes(HARD).sites.slice(0, 0)
    assert allele_counts(GenotypeTable(genotype_policy(), empty, ("a",))).num_rows == 0
    nobody = allele_counts(genotypes([("1", 1, "A", ["C"], [])]))
    assert nobody.to_pylist()[0]["AN"] == 0


def test_groups_add_up_to_the_total() -> None:
    counts = allele_counts(genotypes(HARD), groups={"A": [0, 2], "B": [1, 3]})
    rows = {(row["POS"], row["ALT"], row["POPULATION"]): row for row in counts.to_pylist()}
    for (pos, alt), expected in EXPECTED.items():
        for name, value in zip(SUMS, expected, strict=True):
            assert rows[pos, alt, "A"][name] + rows[pos, alt, "B"][name] == rows[pos, alt, "Total"][name] == value


calls = st.sampled_from(["0/0", "0/1", "1/1", "1|2", "2/2", "./.", "./1", "0", "1", "2", "."])


@given(sites=st.lists(st.lists(calls, min_size=5, max_size=5), min_size=1, max_size=6), cut=st.integers(0, 5))
def test_counts_are_sums_over_samples_and_hom_het_hemi_add_up(sites: list[list[str]], cut: int) -> None:
    whole = [("1", place + 1, "A", ["C", "G"], row) for place, row in enumerate(sites)]
    left = [(*site[:4], site[4][:cut]) for site in whole]
    right = [(*site[:4], site[4][cut:]) for site in whole]
    total = allele_counts(genotypes(whole))
    assert add_shards([allele_counts(genotypes(left)), allele_counts(genotypes(right))]).equals(total)
    for row in total.to_pylist():
        assert row["AC"] == row["AC_HET"] + row["AC_HOM"] + row["AC_HEMI"] <= row["AN"]


def test_streaming_gives_the_same_counts_for_any_batches() -> None:
    table = genotypes(HARD * 3)
    whole = allele_counts(table)
    for size in (1, 2, 7):
        batches = count_batches(table.sites.to_batches(max_chunksize=size), samples=4)
        assert pa.Table.from_batches(batches, schema=whole.schema).equals(whole)


@pytest.mark.parametrize("broken", [b"\x00", b"\x00\x00\x00\x00\x00\x00\x00\x02", b"\x00\x00\x00\x00\x00\x00\x00\xf0"])
def test_calls_that_do_not_fit_their_site_are_refused(broken: bytes) -> None:
    table = genotypes(HARD[:1])
    sites = table.sites.set_column(6, "gt", pa.array([broken], pa.binary()))
    with pytest.raises(DataError) as caught:
        allele_counts(GenotypeTable(table.policy, sites, table.samples))
    assert caught.value.code == "genome.genotype-shape"


def test_shards_of_different_sites_are_refused_unless_unlisted_is_reference() -> None:
    first = allele_counts(genotypes([("1", 5, "A", ["C"], ["0/1", "1/1"]), ("1", 9, "A", ["G"], ["0/1", "0/0"])]))
    second = allele_counts(genotypes([("1", 7, "T", ["C"], ["1|1"]), ("1", 9, "A", ["T"], ["./1"])]))
    with pytest.raises(DataError) as caught:
        add_shards([first, second])
    assert caught.value.code == "genome.shards-differ"
    added = add_shards([first, second], reference_alleles=[4, 2])
    assert [(row["POS"], row["ALT"], row["AC"], row["AN"], row["NS"]) for row in added.to_pylist()] == [
        (5, "C", 3, 6, 3),
        (7, "C", 2, 6, 3),
        (9, "G", 1, 5, 3),
        (9, "T", 1, 5, 3),
    ]


def test_a_shard_that_lists_an_allele_twice_is_refused() -> None:
    twice = allele_counts(genotypes([("1", 5, "A", ["C"], ["0/1"])] * 2))
    with pytest.raises(DataError):
        add_shards([twice, twice], reference_alleles=[2, 2])


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> GenotypeTable:
    """1000 Genomes phase 3, chr22 16.05-16.64 Mb: 9,750 records, 2,504 samples."""
    return read_vcf(shared_data / "genome" / "1kg_p3_chr22_10k" / "10k.chr22.phase3.vcf.gz")


def info_counts(path: Path) -> dict[tuple[str, int, str, str], tuple[int, int]]:
    found = {}
    for record in VCF(str(path)):
        counts = record.INFO["AC"]
        for alt, count in zip(record.ALT, counts if isinstance(counts, tuple) else (counts,), strict=True):
            found[record.CHROM, record.POS, record.REF, alt] = (count, record.INFO["AN"])
    return found


@pytest.mark.shared
def test_counts_equal_the_golden_files_own_at_all_9750_records(shared_data: Path, golden: GenotypeTable) -> None:
    own = info_counts(shared_data / "genome" / "1kg_p3_chr22_10k" / "10k.chr22.phase3.vcf.gz")
    counts = allele_counts(golden)
    got = {(r["CHROM"], r["POS"], r["REF"], r["ALT"]): (r["AC"], r["AN"]) for r in counts.to_pylist()}
    assert golden.sites.num_rows == 9_750
    assert got == own


@pytest.mark.shared
def test_five_sample_shards_add_up_to_the_whole(shared_data: Path, golden: GenotypeTable) -> None:
    folder = shared_data / "genome" / "1kg_p3_chr22_10k"
    shards = [read_vcf(path) for path in sorted(folder.glob("*.filtered.*.vcf.gz"))]
    assert sum(len(shard.samples) for shard in shards) == len({s for shard in shards for s in shard.samples}) == 2_504
    alleles = [2 * len(shard.samples) for shard in shards]
    added = add_shards([allele_counts(shard) for shard in shards], reference_alleles=alleles)
    whole = {(r["POS"], r["REF"], r["ALT"]): r for r in allele_counts(golden).to_pylist()}
    for row in added.to_pylist():
        assert row == whole.pop((row["POS"], row["REF"], row["ALT"]))
    assert all(row["AC"] == 0 for row in whole.values())


@pytest.mark.tool
def test_bcftools_counts_the_hard_calls_alike(tmp_path: Path, outside_tool: Callable[[str], str]) -> None:
    sites = HARD[:-1]
    file = write_vcf(tmp_path / "hard.vcf", sites)
    run = [outside_tool("bcftools"), "+fill-tags", str(file), "--", "-t", "AC,AN,NS,AC_Het,AC_Hom,AC_Hemi"]
    filled = tmp_path / "filled.vcf"
    filled.write_text(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    got = by_allele(allele_counts(genotypes(sites)))
    for record in VCF(str(filled)):
        for place, alt in enumerate(record.ALT):
            theirs = [record.INFO[name] for name in ("AC", "AN", "NS", "AC_Het", "AC_Hom", "AC_Hemi")]
            one = tuple(value[place] if isinstance(value, tuple) else value for value in theirs)
            assert got[record.POS, alt] == one


@pytest.mark.tool
@pytest.mark.shared
def test_plink2_counts_the_golden_file_alike(
    tmp_path: Path, shared_data: Path, golden: GenotypeTable, outside_tool: Callable[[str], str]
) -> None:
    source = tmp_path / "golden.vcf.gz"
    shutil.copy(shared_data / "genome" / "1kg_p3_chr22_10k" / "10k.chr22.phase3.vcf.gz", source)
    run = [outside_tool("plink2"), "--vcf", str(source), "--freq", "counts", "--out", str(tmp_path / "freq")]
    subprocess.run([*run, "--threads", "1"], check=True, capture_output=True)
    theirs: list[tuple[str, int, int]] = []
    for line in (tmp_path / "freq.acount").read_text().splitlines()[1:]:
        _, _, ref, alts, counts, total = line.split("\t")
        pairs = zip(alts.split(","), counts.split(","), strict=True)
        theirs.extend((f"{ref}>{alt}", int(count), int(total)) for alt, count in pairs)
    mine = [(f"{r['REF']}>{r['ALT']}", r["AC"], r["AN"]) for r in allele_counts(golden).to_pylist()]
    assert mine == theirs


def write_vcf(path: Path, sites: list[tuple[str, int, str, list[str], list[str]]]) -> Path:
    head = [
        "##fileformat=VCFv4.2",
        *(f"##contig=<ID={name}>" for name in dict.fromkeys(site[0] for site in sites)),
        '##ALT=<ID=DEL,Description="Deletion">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        "#" + "\t".join(["CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"])
        + "\t" + "\t".join(f"s{n}" for n in range(len(sites[0][4]))),
    ]  # fmt: skip
    body = [
        "\t".join([chrom, str(pos), ".", ref, ",".join(alts) or ".", ".", ".", ".", "GT", *calls])
        for chrom, pos, ref, alts, calls in sites
    ]
    path.write_text("\n".join([*head, *body, ""]))
    return path


def test_counting_does_not_change_the_table() -> None:
    table = genotypes(HARD)
    before = table.sites.column("gt").to_pylist()
    allele_counts(table, groups={"A": np.array([0, 1]).tolist()})
    assert table.sites.column("gt").to_pylist() == before
