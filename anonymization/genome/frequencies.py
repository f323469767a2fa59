"""Count alleles: genotype table in, one row per ALT allele out. Exact counts; nothing here is safe to publish.

Counts come from every allele of every call, never from diploid shortcuts, so multi-allelic sites, half calls, haploid
calls and `*` are right.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.tables import GenotypeTable
from policies.errors import DataError

ALL = "Total"
"""The group of all samples, where groups are asked for. Source: GDI allele-frequency Parquet layout."""

_KEYS = ("CHROM", "POS", "REF", "ALT")
_SUMS = ("AC", "AN", "NS", "AC_HET", "AC_HOM", "AC_HEMI")
_BATCH_SITES = 1024

Counts = npt.NDArray[np.int64]
_Groups = Mapping[str, npt.NDArray[np.int64] | None]


def allele_counts(table: GenotypeTable, *, groups: Mapping[str, Sequence[int]] | None = None) -> pa.Table:
    """Count each ALT allele over all samples, and over each group if groups are given.

    Definitions, a sample's *called* alleles being those that are not missing:
        AC: how often the ALT was called. AN: how many alleles were called. AF: AC / AN, null if AN is 0.
        NS: samples with at least one called allele.
        AC_HEMI: ALT alleles that are the only called allele of their sample (haploid, or a half call such as `./1`).
        AC_HOM: ALT alleles of samples whose two or more called alleles are all this ALT.
        AC_HET: all others. AC_HET + AC_HOM + AC_HEMI = AC.

    Args:
        table: S samples at any number of sites. Not changed.
        groups: Group name → indexes into `table.samples`; a sample may be in several groups. With groups the column
            POPULATION tells the rows apart, and `Total` counts all samples.

    Returns:
        One row per ALT in file order (and per group, `Total` first): CHROM string, POS int64, REF string, ALT string
        [, POPULATION string], AC, AN int64, AF float64, NS, AC_HET, AC_HOM, AC_HEMI int64. A site without ALT gives no
        row.

    Raises:
        DataError: Calls of the wrong length, or an allele number that the site does not have.

    Source: VCF 4.3 section 1.6.2 (AC, AN, AF, NS); bcftools +fill-tags for AC_Het, AC_Hom, AC_Hemi.
    """
    batches = table.sites.to_batches(max_chunksize=_BATCH_SITES)
    return pa.Table.from_batches(
        count_batches(batches, samples=len(table.samples), groups=groups), schema=counts_schema(groups is not None)
    )


def counts_schema(grouped: bool) -> pa.Schema:
    """Return the schema of a counts table."""
    integers = [(name, pa.int64()) for name in ("AC", "AN")]
    rest = [(name, pa.int64()) for name in _SUMS[2:]]
    population = [("POPULATION", pa.string())] if grouped else []
    keys = [("CHROM", pa.string()), ("POS", pa.int64()), ("REF", pa.string()), ("ALT", pa.string())]
    return pa.schema([*keys, *population, *integers, ("AF", pa.float64()), *rest])


def count_batches(
    batches: Iterable[pa.RecordBatch], *, samples: int, groups: Mapping[str, Sequence[int]] | None = None
) -> Iterator[pa.RecordBatch]:
    """Count batch by batch, as `allele_counts` does; memory is that of one batch.

    Args:
        batches: Batches in the layout of `GenotypeTable.sites`.
        samples: How many samples a site has.
        groups: As for `allele_counts`.

    Yields:
        One batch of counts for each batch that has an ALT allele.
    """
    chosen: _Groups = {ALL: None}
    if groups is not None:
        chosen = {ALL: None, **{name: np.asarray(places, dtype=np.int64) for name, places in groups.items()}}
    for batch in batches:
        for start in range(0, batch.num_rows, _BATCH_SITES):
            counted = _count_batch(batch.slice(start, _BATCH_SITES), samples, chosen, grouped=groups is not None)
            if counted.num_rows:
                yield counted


def add_shards(shards: Sequence[pa.Table], *, reference_alleles: Sequence[int] | None = None) -> pa.Table:
    """Add the counts of disjoint groups of samples.

    Args:
        shards: Counts tables of the same kind; their samples are disjoint, which the caller knows.
        reference_alleles: If given, one number a shard: a site that the shard does not list counts as that many called
            reference alleles (2 x samples for an autosome). Only right for files whose unlisted sites are known to be
            reference, such as cuts of one call set to its polymorphic sites. Otherwise all shards must list the same
            alleles.

    Returns:
        The sums, one row per allele, in the order of the first shard that lists it, then by position; AF anew.

    Raises:
        DataError: The shards list different alleles and `reference_alleles` is not given, an allele is listed twice, or
            nothing was given.
    """
    if not shards or (reference_alleles is not None and len(reference_alleles) != len(shards)):
        raise _bad_shards("there must be at least one shard, and one number of alleles for each")
    keys = [*_KEYS, *(["POPULATION"] if "POPULATION" in shards[0].column_names else [])]
    if reference_alleles is None:
        if any(not shard.select(keys).equals(shards[0].select(keys)) for shard in shards):
            raise _bad_shards("the shards do not list the same alleles in the same order")
        none: Counts = np.zeros(shards[0].num_rows, dtype=np.int64)
        return _with_sums(
            shards[0], {name: sum((_column(shard, name) for shard in shards), start=none) for name in _SUMS}
        )
    if "POPULATION" in keys:
        raise _bad_shards("unlisted sites can be filled for the whole shard only, not for groups of it")
    return _add_unequal(shards, reference_alleles)


def _add_unequal(shards: Sequence[pa.Table], reference_alleles: Sequence[int]) -> pa.Table:
    listed = [list(zip(*(shard.column(name).to_pylist() for name in _KEYS), strict=True)) for shard in shards]
    if any(len(set(alleles)) != len(alleles) for alleles in listed):
        raise _bad_shards("a shard lists an allele twice")
    chromosomes = {allele[0]: None for alleles in listed for allele in alleles}
    order = {name: place for place, name in enumerate(chromosomes)}
    every = sorted(set().union(*listed), key=lambda allele: (order[allele[0]], *allele[1:]))
    place_of = {allele: place for place, allele in enumerate(every)}
    sums: dict[str, Counts] = {name: np.zeros(len(every), dtype=np.int64) for name in _SUMS}
    for shard, alleles, unlisted in zip(shards, listed, reference_alleles, strict=True):
        sites = {allele[:3]: int(an) for allele, an in zip(alleles, _column(shard, "AN"), strict=True)}
        called = {allele[:3]: int(ns) for allele, ns in zip(alleles, _column(shard, "NS"), strict=True)}
        # An ALT that this shard does not have, at a site that it does list, has the site's own AN and NS.
        sums["AN"] += np.asarray([sites.get(allele[:3], unlisted) for allele in every], dtype=np.int64)
        sums["NS"] += np.asarray([called.get(allele[:3], unlisted // 2) for allele in every], dtype=np.int64)
        places = np.asarray([place_of[allele] for allele in alleles], dtype=np.int64)
        for name in ("AC", "AC_HET", "AC_HOM", "AC_HEMI"):
            sums[name][places] += _column(shard, name)
    columns = list(zip(*every, strict=True)) if every else [()] * len(_KEYS)
    schema = counts_schema(grouped=False)
    keys = {name: pa.array(values, schema.field(name).type) for name, values in zip(_KEYS, columns, strict=True)}
    return _with_sums(pa.table(keys), sums)


def _with_sums(keys: pa.Table, sums: Mapping[str, Counts]) -> pa.Table:
    grouped = "POPULATION" in keys.column_names
    columns: dict[str, object] = {name: keys.column(name) for name in _KEYS}
    if grouped:
        columns["POPULATION"] = keys.column("POPULATION")
    columns |= {name: sums[name] for name in _SUMS} | {"AF": _frequency(sums["AC"], sums["AN"])}
    schema = counts_schema(grouped)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _column(table: pa.Table, name: str) -> Counts:
    return np.asarray(table.column(name).to_numpy(), dtype=np.int64)


def _frequency(count: Counts, total: Counts) -> pa.Array:
    share = count / np.maximum(total, 1)
    return pa.array(share, pa.float64(), mask=total == 0)


def _count_batch(batch: pa.RecordBatch, samples: int, groups: _Groups, *, grouped: bool) -> pa.RecordBatch:
    alleles = np.asarray([len(alt) for alt in batch.column("alt").to_pylist()], dtype=np.int64)
    rows = int(alleles.sum())
    site = np.repeat(np.arange(batch.num_rows), alleles)
    first = np.concatenate(([0], np.cumsum(alleles)))
    number = np.arange(rows) - first[site] + 1
    ploidy = np.asarray(batch.column("ploidy").to_numpy(zero_copy_only=False), dtype=np.int64)
    counts = {name: np.zeros((rows, len(groups)), dtype=np.int64) for name in _SUMS}
    for width in np.unique(ploidy):
        sites = np.flatnonzero(ploidy == width)
        calls = _calls(batch.column("gt"), sites, samples, int(width))
        if (calls > alleles[sites][:, None, None]).any() or (calls < -2).any():
            raise _bad_calls("a call names an allele that its site does not have")
        row_of_site = np.full(batch.num_rows, -1)
        row_of_site[sites] = np.arange(sites.size)
        mine = np.flatnonzero(row_of_site[site] >= 0)
        for place, members in enumerate(groups.values()):
            cut = calls if members is None else calls[:, members, :]
            _count_calls(cut, row_of_site[site[mine]], number[mine], {n: c[:, place] for n, c in counts.items()}, mine)
    return _counts_batch(
        batch, site, number, {name: found.reshape(-1) for name, found in counts.items()}, groups if grouped else None
    )


def _calls(column: pa.Array, sites: npt.NDArray[np.int64], samples: int, ploidy: int) -> npt.NDArray[np.int8]:
    raw = column.take(pa.array(sites)).to_pylist()
    if any(calls is None or len(calls) != samples * ploidy for calls in raw):
        raise _bad_calls("a site does not hold ploidy x samples allele calls")
    return np.frombuffer(b"".join(raw), dtype=np.int8).reshape(sites.size, samples, ploidy)


def _count_calls(
    calls: npt.NDArray[np.int8],
    where: npt.NDArray[np.int64],
    number: npt.NDArray[np.int64],
    into: Mapping[str, Counts],
    rows: npt.NDArray[np.int64],
) -> None:
    """Count the calls of one ploidy, allele number by allele number; `where[i]` is the site of output row `rows[i]`."""
    called = (calls >= 0).sum(axis=2, dtype=np.int16)
    into["AN"][rows] = called.sum(axis=1, dtype=np.int64)[where]
    into["NS"][rows] = (called > 0).sum(axis=1)[where]
    for allele in np.unique(number):
        chosen = number == allele
        at = where[chosen]
        hits = (calls[at] == allele).sum(axis=2, dtype=np.int16)
        here = called[at]
        alone = hits * (here == 1)
        alike = hits * ((here > 1) & (hits == here))
        found = {"AC": hits, "AC_HEMI": alone, "AC_HOM": alike, "AC_HET": hits - alone - alike}
        for name, per_sample in found.items():
            into[name][rows[chosen]] = per_sample.sum(axis=1, dtype=np.int64)


def _counts_batch(
    batch: pa.RecordBatch,
    site: npt.NDArray[np.int64],
    number: npt.NDArray[np.int64],
    counts: Mapping[str, Counts],
    groups: _Groups | None,
) -> pa.RecordBatch:
    width = len(groups) if groups is not None else 1
    row = pa.array(np.repeat(site, width))
    alts = [name for names in batch.column("alt").to_pylist() for name in names]
    columns: dict[str, object] = {
        "CHROM": batch.column("chrom").take(row).cast(pa.string()),
        "POS": batch.column("pos").take(row).cast(pa.int64()),
        "REF": batch.column("ref").take(row).cast(pa.string()),
        "ALT": pa.array(alts, pa.string()).take(pa.array(np.repeat(np.arange(number.size), width))),
        "AF": _frequency(counts["AC"], counts["AN"]),
        **{name: pa.array(counts[name], pa.int64()) for name in _SUMS},
    }
    if groups is not None:
        columns["POPULATION"] = pa.array(list(groups) * number.size, pa.string())
    schema = counts_schema(groups is not None)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _bad_calls(what: str) -> DataError:
    return DataError(
        "genome.genotype-shape",
        what=what,
        why="counts over calls that do not fit their site would be wrong without notice",
        fix="read the variant file again; if it repeats, check it with `niji genome check`",
    )


def _bad_shards(what: str) -> DataError:
    return DataError(
        "genome.shards-differ",
        what=what,
        why="a site missing from one shard is unknown there, not reference, unless somebody says so",
        fix="give shards of one call set, or say that unlisted sites are reference",
    )
