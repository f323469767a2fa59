"""The one door to source data: `read_table` gives a table's rows as typed record batches.

The reader streams: memory holds one batch. Digests, counts and quarantine are complete when the iteration has ended.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from pipelines.sources.delimited import DelimitedReader, layout_of
from pipelines.sources.fhir import FhirReader
from pipelines.sources.landing import delimited_files, find_files, open_bytes
from pipelines.sources.omop import check_omop, open_omop
from pipelines.sources.quarantine import Quarantine
from pipelines.sources.values import arrow_schema
from pipelines.sources.vcf import VcfReader
from policies.errors import DataError, Place
from policies.model.dataset import TablePolicy
from policies.model.source import DelimitedSource, FhirSource, OmopSource, VcfSource
from policies.vocabulary import TableKind

_MAY_BE_EMPTY = frozenset({TableKind.REGISTER, TableKind.REFERENCE})

Batches = Iterator[pa.RecordBatch]


class TableReader:
    """Rows of one table: iterate for record batches; each iteration reads the source anew.

    `schema` is known at once, `samples` too (genotype tables; empty otherwise). `quarantine`, `source_digests`
    (shown name → SHA-256 in hexadecimal), `rows` and `batches` are complete when the iteration has ended.
    """

    def __init__(
        self,
        table: TablePolicy,
        *,
        schema: pa.Schema,
        open_batches: Callable[[Quarantine, dict[str, str]], Batches],
        samples: tuple[str, ...] = (),
    ) -> None:
        self.table = table
        self.schema = schema
        self.samples = samples
        self.quarantine = Quarantine()
        self.source_digests: dict[str, str] = {}
        self.rows = 0
        self.batches = 0
        self._open_batches = open_batches

    def __repr__(self) -> str:
        return f"TableReader({self.table.name!r}, rows={self.rows}, quarantined={self.quarantine.total})"

    def __iter__(self) -> Batches:
        """Give the batches that hold rows.

        Raises:
            DataError: What the format's reader raises; `data.empty-table` if no row is left and the kind of the table
                needs one; `data.register-incomplete` if a row of a register was refused.
        """
        self.quarantine.clear()
        self.source_digests.clear()
        self.rows = self.batches = 0
        with closing(self._open_batches(self.quarantine, self.source_digests)) as batches:  # type: ignore[type-var]
            for batch in batches:
                if batch.num_rows:
                    self.rows += batch.num_rows
                    self.batches += 1
                    yield batch
        self._check_end()

    def read_all(self) -> pa.Table:
        """Return all rows as one Arrow table."""
        return pa.Table.from_batches(list(self), schema=self.schema)

    def _check_end(self) -> None:
        if self.table.kind is TableKind.REGISTER and self.quarantine.total:
            raise DataError(
                "data.register-incomplete",
                what=f"{self.quarantine.total} rows of register '{self.table.name}' do not fit ({self.quarantine.summary()})",
                why="a lost row may be an objection or a withdrawal, and that person's data would be used",
                fix="correct these rows at the source, and land the register again",
                where=self._first_place(),
            )
        if self.rows or self.table.kind in _MAY_BE_EMPTY:
            return
        refused = f"all {self.quarantine.total} rows were refused ({self.quarantine.summary()})"
        raise DataError(
            "data.empty-table",
            what=f"table '{self.table.name}' has no row: {refused if self.quarantine.total else 'its source holds none'}",
            why="an empty table of people or events is far more often a failed export than the truth",
            fix="land the export again, or correct the column types in the dataset policy",
            where=self._first_place(),
        )

    def _first_place(self) -> Place:
        first = next(iter(self.quarantine), None)
        if first is not None:
            return Place(first.file, first.line)
        return Place(next(iter(self.source_digests), ""))


def read_table(table: TablePolicy, *, landing: Path, batch_rows: int = 65_536) -> TableReader:
    """Open a table's source below `landing`.

    Args:
        table: The table's policy: source, columns, kind.
        landing: The landing folder; every path of the policy is resolved below it.
        batch_rows: Most rows in a batch.

    Returns:
        A reader. Nothing but paths and the header of variant files has been read.

    Raises:
        DataError: `data.source-missing`, `data.outside-landing`; for variant files also what `VcfReader` raises.
        PolicyError: The policy cannot be read this way (`policy.type-not-in-source`, `policy.bad-fhir-path`, …).
    """
    source = table.source
    if isinstance(source, VcfSource):
        variants = VcfReader(table, source=source, landing=landing, batch_rows=batch_rows)
        return TableReader(table, schema=variants.schema, open_batches=variants.read, samples=variants.samples)
    schema = arrow_schema(table)
    if isinstance(source, FhirSource):
        return TableReader(table, schema=schema, open_batches=_fhir(table, source, landing, batch_rows))
    return TableReader(table, schema=schema, open_batches=_text(table, source, landing, batch_rows))


def _fhir(
    table: TablePolicy, source: FhirSource, landing: Path, batch_rows: int
) -> Callable[[Quarantine, dict[str, str]], Batches]:
    files = find_files(source.paths, landing=landing)
    FhirReader(table, source=source, quarantine=Quarantine(), batch_rows=batch_rows)  # refuse a bad mapping at once

    def batches(quarantine: Quarantine, digests: dict[str, str]) -> Batches:
        reader = FhirReader(table, source=source, quarantine=quarantine, batch_rows=batch_rows)
        return reader.read(files, digests=digests)

    return batches


def _text(
    table: TablePolicy, source: DelimitedSource | OmopSource, landing: Path, batch_rows: int
) -> Callable[[Quarantine, dict[str, str]], Batches]:
    layout = layout_of(source)
    if isinstance(source, OmopSource):
        check_omop(source, landing=landing)
    else:
        delimited_files(source, landing=landing)

    def batches(quarantine: Quarantine, digests: dict[str, str]) -> Batches:
        reader = DelimitedReader(table, layout=layout, quarantine=quarantine, batch_rows=batch_rows)
        if isinstance(source, OmopSource):
            with open_omop(source, landing=landing, digests=digests) as (file, stream):
                yield from reader.read(stream, file=file)
            return
        for file in delimited_files(source, landing=landing):
            with open_bytes(file, member=source.member, digests=digests) as stream:
                yield from reader.read(stream, file=file)

    return batches
