"""Build genotype tables from calls written as in a VCF, and from variant files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from anonymization.tables import GenotypeTable
from policies.model import TablePolicy

Site = tuple[str, int, str, Sequence[str], Sequence[str]]
"""Chromosome, position, REF, ALTs, one call a sample."""


def genotype_policy(
    path: str = "cohort.vcf.gz", *, assembly: str = "GRCh37", samples: str | None = None
) -> TablePolicy:
    return TablePolicy.model_validate(
        {
            "name": "variants",
            "kind": "genotype",
            "title": {"ja": "変異", "en": "Variants"},
            "source": {"format": "vcf", "paths": [path], "assembly": assembly},
            "columns": [
                {"name": "chrom", "ja": "染色体", "class": "ordinary", "role": "attribute"},
                {"name": "pos", "ja": "位置", "type": "integer", "class": "ordinary", "role": "attribute"},
                {"name": "gt", "ja": "遺伝型", "type": "alleles", "class": "identification_code",
                 "code": "genome_wgs", "role": "genotype"},
            ],
            "samples": samples,
        }
    )  # fmt: skip


def genotypes(sites: Sequence[Site], *, samples: Sequence[str] | None = None) -> GenotypeTable:
    """Make a table from calls such as `0/1`, `1|2`, `./1`, `1`, `.`."""
    names = tuple(samples) if samples is not None else tuple(f"s{n}" for n in range(len(sites[0][4])))
    rows = [_site(site) for site in sites]
    columns = list(zip(*rows, strict=True))
    types = [
        pa.string(), pa.int64(), pa.string(), pa.string(), pa.list_(pa.string()), pa.int8(), pa.binary(), pa.binary(),
    ]  # fmt: skip
    labels = ["chrom", "pos", "id", "ref", "alt", "ploidy", "gt", "phased"]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return GenotypeTable(genotype_policy(), pa.table(arrays, names=labels), names)


def _site(site: Site) -> tuple[object, ...]:
    chrom, pos, ref, alts, calls = site
    split = [[-1 if allele == "." else int(allele) for allele in call.replace("|", "/").split("/")] for call in calls]
    ploidy = max(map(len, split), default=1)
    padded = np.asarray([[*call, *([-2] * (ploidy - len(call)))] for call in split], dtype=np.int8)
    phased = np.asarray(["|" in call for call in calls], dtype=np.int8)
    return chrom, pos, None, ref, list(alts), ploidy, padded.tobytes(), phased.tobytes()


def read_vcf(path: Path, *, assembly: str = "GRCh37") -> GenotypeTable:
    """Read a variant file through the product's own reader."""
    from pipelines.sources.read import read_table

    policy = genotype_policy(path.name, assembly=assembly)
    reader = read_table(policy, landing=path.parent)
    sites = pa.Table.from_batches(list(reader), schema=reader.schema)
    return GenotypeTable(policy, sites, tuple(reader.samples))
