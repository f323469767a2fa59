"""The cohort's genotypes: sites on three chromosomes, with a real-looking frequency spectrum and linkage.

Each region of a chromosome has a few founder haplotypes. Every chromosome of the cohort is a mosaic that copies one
founder and switches to another with distance (after Li and Stephens, Genetics 165:2213, 2003), so linkage decays.
Common variants sit on a branch of founders; rare ones on some of the copies of one founder. Chromosomes pair at random,
so genotypes are in Hardy-Weinberg proportions. Positions lie within GRCh38; the bases are invented.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.demo.text_columns import Ints

Alleles = NDArray[np.int8]

# GRCh38.p14 lengths, Genome Reference Consortium.
CONTIGS: tuple[tuple[str, int, float], ...] = (
    ("chr20", 64_444_167, 0.4),
    ("chr21", 46_709_983, 0.3),
    ("chr22", 50_818_468, 0.3),
)

_REGION_SITES = 200
_MEAN_SPACING = 320
_SWITCH_BASES = 25_000.0
_FOUNDERS = 40
_BRANCHES = 10
_SAME_BRANCH_SHARE = 0.4
_RARE_SHARE = 0.56
_MULTI_ALLELIC_SHARE = 0.03
_INDEL_SHARE = 0.08
_BASES = np.frombuffer(b"ACGT", dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Region:
    """S sites of one chromosome: positions, allele texts, and `alleles` (S, chromosomes of the cohort), -1 missing."""

    contig: str
    positions: Ints
    references: Sequence[str]
    alternates: Sequence[tuple[str, ...]]
    alleles: Alleles


def header(sample_ids: Sequence[str]) -> str:
    """Return the VCF header."""
    contigs = "".join(f"##contig=<ID={name},length={length},assembly=GRCh38>\n" for name, length, _ in CONTIGS)
    columns = "\t".join(("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *sample_ids))
    return (
        "##fileformat=VCFv4.2\n##source=niji demo hospital (invented genotypes)\n##reference=GRCh38\n"
        '##FILTER=<ID=PASS,Description="All filters passed">\n'
        f"{contigs}"
        '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count in genotypes">\n'
        '##INFO=<ID=AN,Number=1,Type=Integer,Description="Number of called alleles">\n'
        '##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency: AC / AN">\n'
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        f"{columns}\n"
    )


def make_regions(rng: np.random.Generator, *, samples: int, sites: int) -> Iterator[Region]:
    """Yield regions in order of chromosome and position, `sites` sites in all."""
    remaining = sites
    for number, (contig, length, share) in enumerate(CONTIGS):
        count = remaining if number == len(CONTIGS) - 1 else min(round(sites * share), remaining)
        remaining -= count
        sizes = [
            len(part) for part in np.array_split(np.arange(count), max(1, -(-count // _REGION_SITES))) if len(part)
        ]
        starts = np.linspace(1_000_000, length - 2_000_000, len(sizes) + 1)[:-1].astype(np.int64)
        for start, size in zip(starts, sizes, strict=True):
            yield _region(rng, contig, start=int(start), size=size, chromosomes=2 * samples)


def _region(rng: np.random.Generator, contig: str, *, start: int, size: int, chromosomes: int) -> Region:
    positions = start + np.cumsum(rng.geometric(1 / _MEAN_SPACING, size)).astype(np.int64)
    founder = _mosaic(rng, positions, chromosomes)
    alleles = _place(rng, founder)
    alt_counts = np.ones(size, dtype=np.int64)
    for site in np.flatnonzero(rng.random(size) < _MULTI_ALLELIC_SHARE).tolist():
        alt_counts[site] = 2 + int(rng.random() < 0.1)
        for allele in range(2, alt_counts[site] + 1):
            _sprinkle(rng, alleles[site], founder[site], allele)
    _lose_calls(rng, alleles)
    for site in range(size):
        _keep_present(rng, alleles[site], int(alt_counts[site]))
    references, alternates = _texts(rng, alt_counts)
    return Region(contig, positions, references, alternates, alleles)


def _mosaic(rng: np.random.Generator, positions: Ints, chromosomes: int) -> NDArray[np.uint8]:
    """Return which founder each chromosome copies at each site: shape (sites, chromosomes)."""
    size = len(positions)
    gaps = np.diff(positions, prepend=positions[0])
    rate = 1 - np.exp(-gaps / _SWITCH_BASES)
    rate[0] = 1.0
    switch = rng.random((size, chromosomes), dtype=np.float32) < rate[:, None]
    last = np.maximum.accumulate(np.where(switch, np.arange(size, dtype=np.int32)[:, None], 0), axis=0)
    # 256 slots shared out unevenly: some founders are common, some rare.
    slots = rng.choice(_FOUNDERS, 256, p=rng.dirichlet(np.full(_FOUNDERS, 1.2))).astype(np.uint8)
    drawn = slots[rng.integers(0, 256, (size, chromosomes), dtype=np.uint8)]
    founder: NDArray[np.uint8] = np.take_along_axis(drawn, last, axis=0)
    return founder


def _place(rng: np.random.Generator, founder: NDArray[np.uint8]) -> Alleles:
    """Put the first ALT of each site on chromosomes: rare ones on copies of one founder, common ones on a branch."""
    size, chromosomes = founder.shape
    alleles = np.zeros(founder.shape, dtype=np.int8)
    order = rng.permutation(_FOUNDERS)
    widths = np.minimum(1 + rng.zipf(1.5, _BRANCHES), _FOUNDERS - 6)
    opening = rng.integers(0, _FOUNDERS, _BRANCHES)
    on_branch = np.zeros((_BRANCHES, _FOUNDERS), dtype=np.int8)
    for branch in range(_BRANCHES):
        on_branch[branch, order[(opening[branch] + np.arange(widths[branch])) % _FOUNDERS]] = 1
    is_rare = np.asarray(rng.random(size)) < _RARE_SHARE
    branch_of: Ints = np.asarray(rng.integers(0, _BRANCHES, size), dtype=np.int64)
    for site in np.flatnonzero(rng.random(size) < _SAME_BRANCH_SHARE).tolist():
        branch_of[site] = branch_of[max(site - 1, 0)]
    for site in range(size):
        if is_rare[site]:
            _sprinkle(rng, alleles[site], founder[site], 1)
        else:
            alleles[site] = on_branch[branch_of[site]][founder[site]]
            # Recurrent mutation and gene conversion: a few chromosomes differ from the founder that they copy.
            flips = rng.integers(0, chromosomes, rng.binomial(chromosomes, 0.0015))
            alleles[site, flips] ^= 1
    return alleles


def _sprinkle(rng: np.random.Generator, row: Alleles, founder: NDArray[np.uint8], allele: int) -> None:
    """Put a rare allele on some of the chromosomes that copy one founder; how many follows 1/x."""
    most = max(2.0, 0.012 * len(row))
    wanted = int(np.exp(rng.random() * np.log(most)))
    carriers = np.flatnonzero((founder == founder[rng.integers(len(row))]) & (row == 0))
    if len(carriers) == 0:
        carriers = np.flatnonzero(row == 0)
    if len(carriers):
        row[rng.permutation(carriers)[:wanted]] = allele


def _lose_calls(rng: np.random.Generator, alleles: Alleles) -> None:
    size, chromosomes = alleles.shape
    rate = np.where(rng.random(size) < 0.05, rng.uniform(0.005, 0.03, size), 0.0003)
    lost = rng.random((size, chromosomes // 2), dtype=np.float32) < rate[:, None]
    alleles[np.repeat(lost, 2, axis=1)] = -1


def _keep_present(rng: np.random.Generator, row: Alleles, alt_count: int) -> None:
    """Give each ALT at least one chromosome, as in any called cohort."""
    counts = np.bincount(row[row >= 0], minlength=alt_count + 1)
    for allele in range(1, alt_count + 1):
        if counts[allele] == 0:
            free = np.flatnonzero(row == int(np.argmax(counts)))
            row[free[rng.integers(len(free))] if len(free) else 0] = allele


def _texts(rng: np.random.Generator, alt_counts: Ints) -> tuple[list[str], list[tuple[str, ...]]]:
    """Invent REF and ALT: transitions twice as often as transversions, some insertions and deletions."""
    references, alternates = [], []
    for count in alt_counts:
        base = int(rng.integers(4))
        letter = chr(_BASES[base])
        if rng.random() < _INDEL_SHARE:
            lengths = rng.permutation(6)[:count] + 1
            tail = "".join(chr(_BASES[code]) for code in rng.integers(0, 4, 6))
            if rng.random() < 0.5:
                references.append(letter)
                alternates.append(tuple(letter + tail[:length] for length in lengths))
            else:
                longest = letter + tail[: max(lengths)]
                references.append(longest)
                alternates.append(tuple(longest[: len(longest) - length] for length in lengths))
            continue
        partner = base ^ 2  # A-G and C-T: the transition of each base in "ACGT"
        others = [code for code in range(4) if code not in (base, partner)]
        ranked = [partner, *others] if rng.random() < 0.66 else [*others, partner]
        references.append(letter)
        alternates.append(tuple(chr(_BASES[code]) for code in ranked[:count]))
    return references, alternates


def region_lines(region: Region, *, first_number: int) -> Iterator[bytes]:
    """Yield the VCF lines of a region; AC, AN and AF are counted from the genotypes that are written."""
    size, chromosomes = region.alleles.shape
    cells = np.empty((size, chromosomes // 2, 4), dtype=np.uint8)
    missing = region.alleles[:, ::2] < 0
    cells[:, :, 0] = np.where(missing, ord("."), region.alleles[:, ::2] + ord("0"))
    cells[:, :, 1] = np.where(missing, ord("/"), ord("|"))
    cells[:, :, 2] = np.where(missing, ord("."), region.alleles[:, 1::2] + ord("0"))
    cells[:, :, 3] = ord("\t")
    cells[:, -1, 3] = ord("\n")
    called = (region.alleles >= 0).sum(axis=1)
    for site in range(size):
        alternates = region.alternates[site]
        counts = [int((region.alleles[site] == allele).sum()) for allele in range(1, len(alternates) + 1)]
        number = first_number + site
        name = f"NV{number:07d}" if number % 10 < 7 else "."
        shares = ",".join(f"{count / called[site]:.6g}" for count in counts)
        info = f"AC={','.join(map(str, counts))};AN={called[site]};AF={shares}"
        head = (
            region.contig,
            str(region.positions[site]),
            name,
            region.references[site],
            ",".join(alternates),
            ".",
            "PASS",
        )
        yield "\t".join((*head, info, "GT", "")).encode("ascii") + cells[site].tobytes()
