"""Cutting a genotype table to some of its samples; sites are never removed."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymization.tables import GenotypeTable


def keep_samples(
    table: GenotypeTable, positions: Sequence[int], *, names: Sequence[str] | None = None
) -> GenotypeTable:
    """Keep the samples at `positions`, in that order, and rename them if `names` are given.

    Args:
        table: S samples at any number of sites. Not changed.
        positions: Indexes into `table.samples`, each at most once.
        names: One name for each kept sample; the old names stay if it is None.

    Returns:
        The same sites in the same order; `gt` and `phased` hold only the kept samples. No position gives empty calls.
    """
    kept = np.asarray(positions, dtype=np.int64)
    if kept.size != np.unique(kept).size:
        msg = "a sample position is listed twice"
        raise ValueError(msg)
    renamed = tuple(names) if names is not None else tuple(table.samples[position] for position in positions)
    if len(renamed) != kept.size:
        msg = "there must be one name for each kept sample"
        raise ValueError(msg)
    if np.array_equal(kept, np.arange(len(table.samples))):
        return GenotypeTable(table.policy, table.sites, renamed)
    total = len(table.samples)
    batches = [_cut_batch(batch, kept, total) for batch in table.sites.to_batches(max_chunksize=4096)]
    return GenotypeTable(table.policy, pa.Table.from_batches(batches, schema=table.sites.schema), renamed)


def _cut_batch(batch: pa.RecordBatch, kept: npt.NDArray[np.int64], total: int) -> pa.RecordBatch:
    ploidy = batch.column("ploidy").to_numpy(zero_copy_only=False).astype(np.int64)
    names = batch.schema.names
    columns = list(batch.columns)
    for name, widths in (("gt", ploidy), ("phased", np.ones_like(ploidy))):
        place = names.index(name)
        columns[place] = _cut_column(batch.column(name), widths, kept, total)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _cut_column(column: pa.Array, widths: npt.NDArray[np.int64], kept: npt.NDArray[np.int64], total: int) -> pa.Array:
    # Runs of sites with one ploidy are one block of bytes (sites × samples × ploidy): numpy cuts it without a loop.
    pieces: list[bytes] = []
    for start, stop in _runs(widths):
        width = int(widths[start])
        block = b"".join(column.slice(start, stop - start).to_pylist())
        calls = np.frombuffer(block, dtype=np.int8).reshape(stop - start, total, width)[:, kept, :]
        flat = np.ascontiguousarray(calls).reshape(stop - start, kept.size * width)
        pieces.extend(row.tobytes() for row in flat)
    return pa.array(pieces, type=column.type)


def _runs(values: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return ((start, stop) for start, stop in pairwise(edges) if start < stop)
