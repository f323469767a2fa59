"""The demo cohort's genotypes: INFO equals a recount, the spectrum and the linkage look real, other tools read it."""

import gzip
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pipelines.demo.generate import GENOTYPES, generate_hospital
from pipelines.demo.genome import CONTIGS

SAMPLES, SITES = 400, 2000


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    generate_hospital(folder, people=800, samples=SAMPLES, sites=SITES)
    return folder / GENOTYPES


@pytest.fixture(scope="module")
def records(cohort) -> list[list[str]]:
    lines = gzip.decompress(cohort.read_bytes()).decode().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


@pytest.fixture(scope="module")
def alleles(records) -> np.ndarray:
    """Sites x chromosomes; -1 missing."""
    rows = [[allele for call in record[9:] for allele in call.replace("/", "|").split("|")] for record in records]
    return np.array([[-1 if allele == "." else int(allele) for allele in row] for row in rows])


def test_info_equals_the_recount(records, alleles):
    for record, row in zip(records, alleles, strict=True):
        info = dict(item.split("=") for item in record[7].split(";"))
        counts = [int((row == number).sum()) for number in range(1, record[4].count(",") + 2)]
        called = int((row >= 0).sum())
        assert [int(count) for count in info["AC"].split(",")] == counts
        assert int(info["AN"]) == called
        assert all(counts)
        for share, count in zip(info["AF"].split(","), counts, strict=True):
            assert abs(float(share) - count / called) < 1e-6


def test_sites_are_sorted_and_inside_their_chromosome(records):
    lengths = {name: length for name, length, _ in CONTIGS}
    places = [(list(lengths).index(record[0]), int(record[1])) for record in records]
    assert places == sorted(set(places))
    assert {record[0] for record in records} == set(lengths)
    assert all(int(record[1]) < lengths[record[0]] for record in records)
    assert len(records) == SITES


def test_alleles_are_well_formed_and_differ(records):
    for record in records:
        written = [record[3], *record[4].split(",")]
        assert len(set(written)) == len(written)
        assert all(allele and set(allele) <= set("ACGT") for allele in written)
    multi = sum("," in record[4] for record in records)
    indels = sum(len(record[3]) > 1 or any(len(alt) > 1 for alt in record[4].split(",")) for record in records)
    assert 0.02 < multi / SITES < 0.04
    assert 0.05 < indels / SITES < 0.11


def test_most_variants_are_rare_and_some_common(records, alleles):
    count = (alleles == 1).sum(axis=1)
    assert 0.08 < (count == 1).mean() < 0.35
    assert (count <= 0.01 * 2 * SAMPLES).mean() > 0.4
    assert (count > 0.05 * 2 * SAMPLES).mean() > 0.2
    missing = (alleles < 0).mean()
    assert 0 < missing < 0.01
    assert any(record[9 + at] == "./." for record in records for at in range(SAMPLES))


def test_linkage_decays_with_distance(records, alleles):
    near, far = [], []
    position = np.array([int(record[1]) for record in records])
    chromosome = np.array([record[0] for record in records])
    biallelic = np.array(["," not in record[4] for record in records])
    share = (alleles == 1).mean(axis=1)
    common = np.flatnonzero(biallelic & (share > 0.05) & (share < 0.95))
    for at, one in enumerate(common):
        for other in common[at + 1 : at + 60]:
            if chromosome[one] != chromosome[other] or position[other] - position[one] > 60_000:
                break
            called = (alleles[one] >= 0) & (alleles[other] >= 0)
            r2 = np.corrcoef(alleles[one][called], alleles[other][called])[0, 1] ** 2
            distance = position[other] - position[one]
            (near if distance < 2_000 else far if distance > 30_000 else []).append(r2)
    assert len(near) > 200
    assert len(far) > 200
    assert np.mean(near) > 0.2
    assert np.mean(far) < 0.4 * np.mean(near)
    assert max(near) > 0.9


def test_genotypes_are_in_hardy_weinberg_proportions(alleles):
    first, second = alleles[:, ::2], alleles[:, 1::2]
    called = ((first >= 0) & (second >= 0)).sum(axis=1)
    p = ((first == 1).sum(axis=1) + (second == 1).sum(axis=1)) / (2 * called)
    common = (p > 0.1) & (p < 0.9) & ~(alleles > 1).any(axis=1)
    observed = ((first != second) & (first >= 0)).sum(axis=1) / called
    inbreeding = 1 - observed[common] / (2 * p * (1 - p))[common]
    assert abs(inbreeding.mean()) < 0.02
    # Under the null its standard deviation is 1 / sqrt(people).
    assert inbreeding.std() < 1.6 / np.sqrt(SAMPLES)


@pytest.mark.tool
def test_bcftools_reads_it_and_recounts_the_same(cohort, outside_tool):
    bcftools = outside_tool("bcftools")
    done = subprocess.run([bcftools, "view", "-H", str(cohort)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.count("\n") == SITES
    filled = subprocess.run(
        [bcftools, "+fill-tags", str(cohort), "-Ou", "--", "-t", "AC,AN"], capture_output=True, check=True
    ).stdout
    query = ["query", "-f", "%CHROM %POS %AC %AN\n"]
    recounted = subprocess.run([bcftools, *query, "-"], input=filled, capture_output=True, check=True).stdout
    assert recounted == subprocess.run([bcftools, *query, str(cohort)], capture_output=True, check=True).stdout


@pytest.mark.tool
def test_it_is_bgzf_and_can_be_indexed(cohort, outside_tool, tmp_path):
    copy = tmp_path / "cohort.vcf.gz"
    copy.write_bytes(cohort.read_bytes())
    subprocess.run([outside_tool("tabix"), "-p", "vcf", str(copy)], check=True)
    region = subprocess.run(["tabix", str(copy), "chr21:1-3000000"], capture_output=True, text=True, check=True).stdout
    assert region.startswith("chr21\t")
