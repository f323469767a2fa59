"""Variant calls (VCF, VCF.gz, BCF) → sites with the alleles of all samples.

Text is checked against the specification first (`vcf_check`), because htslib reads most invalid files without a word.
Errors in definitions of the head alone do not stop the reading: they change no allele, and well-known public files have
them; `vcf_check.check_vcf` reports them.
Genotypes come through cyvcf2's full allele array: its counters are wrong on half calls and haploid calls.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from cyvcf2 import VCF
from cyvcf2.cyvcf2 import set_htslib_log_level

from pipelines.sources.landing import LandedFile, check_complete, find_files, reading, sha256_of
from pipelines.sources.quarantine import Quarantine, Reason
from pipelines.sources.vcf_check import check_stream, open_vcf_text
from pipelines.sources.vcf_report import DEFINITION_RULES, VcfReport
from policies.errors import DataError
from policies.model.dataset import TablePolicy
from policies.model.source import VcfSource

SITES_SCHEMA = pa.schema(
    [
        pa.field("chrom", pa.string()),
        pa.field("pos", pa.int64()),
        pa.field("id", pa.string()),
        pa.field("ref", pa.string()),
        pa.field("alt", pa.list_(pa.string())),
        pa.field("ploidy", pa.int8()),
        pa.field("gt", pa.binary()),
        pa.field("phased", pa.binary()),
    ]
)

_BCF_MAGIC = b"BCF\x02"
_BATCH_BYTES = 64 << 20
_MAX_ALLELE = 127  # an allele number is one signed byte of `gt`
_SHOWN_FINDINGS = 5

# Lengths in base pairs of the chromosomes in GRCh37 and GRCh38; they tell the assemblies apart.
# Source: NCBI assembly reports GCA_000001405.1 (GRCh37) and GCA_000001405.15 (GRCh38).
_LENGTHS = {
    "GRCh37": (
        *(249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747),
        *(135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520),
        *(48129895, 51304566, 155270560),
    ),
    "GRCh38": (
        *(248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422),
        *(135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167),
        *(46709983, 50818468, 156040895),
    ),
}
_CHROMOSOMES = (*(str(number) for number in range(1, 23)), "X")


class VcfReader:
    """Reads variant files that hold the same samples as one table of sites.

    Args:
        table: The table's policy; its columns are among those of `SITES_SCHEMA`.
        source: Its source.
        landing: The landing folder.
        batch_rows: Most sites in a batch; fewer when there are many samples.

    Raises:
        DataError: `data.source-missing`, `data.outside-landing`, `data.not-a-vcf`, `data.no-samples`,
            `data.samples-differ`, `data.assembly-differs`, `data.missing-column`, `data.truncated`, `data.corrupt`.
    """

    def __init__(self, table: TablePolicy, *, source: VcfSource, landing: Path, batch_rows: int) -> None:
        self.schema = SITES_SCHEMA
        self._files = find_files(source.paths, landing=landing)
        self._batch_rows = batch_rows
        _check_columns(table)
        set_htslib_log_level(0)  # htslib quotes values on standard error
        headers = [_header_of(file, source.assembly) for file in self._files]
        self.samples = headers[0]
        for file, samples in zip(self._files, headers, strict=True):
            if samples != self.samples:
                raise _samples_differ(file, len(samples), len(self.samples))

    def read(self, quarantine: Quarantine, digests: dict[str, str]) -> Iterator[pa.RecordBatch]:
        """Check all files, then give their sites in batches.

        Raises:
            DataError: `data.invalid-vcf`: the specification check found errors; `data.corrupt`, `data.truncated`.
        """
        starts = []
        for file in self._files:
            starts.append(_check(file))
            digests[file.label] = sha256_of(file)
        for file, start in zip(self._files, starts, strict=True):
            yield from self._sites(file, start, quarantine)

    def _sites(self, file: LandedFile, start: int, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
        most = max(1, min(self._batch_rows, _BATCH_BYTES // (3 * max(1, len(self.samples)))))
        sites = _Sites()
        with reading(file):
            variants = VCF(str(file.path))
        try:
            for line, record in enumerate(_records(variants, file), start=start + 1):
                reason = sites.add(record)
                if reason is not None:
                    quarantine.add(file.label, line, reason, column="gt")
                elif len(sites) == most:
                    yield sites.flush()
        finally:
            variants.close()
        if len(sites):
            yield sites.flush()


class _Sites:
    """Sites gathered for one batch."""

    def __init__(self) -> None:
        self._columns: tuple[list[object], ...] = tuple([] for _ in SITES_SCHEMA)

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(self, record: Any) -> Reason | None:
        """Take a record of cyvcf2; return why not, if its genotypes cannot be kept."""
        try:
            calls = record.genotype.array()
        except Exception:  # noqa: BLE001 - cyvcf2 raises a bare Exception when FORMAT has no GT
            return Reason.NO_GENOTYPE
        alleles, phased = calls[:, :-1], calls[:, -1]
        alts = record.ALT
        if alleles.shape[1] == 0 or not -2 <= alleles.min() <= alleles.max() <= min(len(alts), _MAX_ALLELE):
            return Reason.BAD_GENOTYPE
        # htslib marks the padding of a shorter call as phased; one chromosome has no phase.
        is_phased = (phased == 1) & (alleles[:, 1] != -2) if alleles.shape[1] > 1 else np.zeros(len(phased), np.bool_)
        values = (
            *(record.CHROM, record.POS, record.ID, record.REF, alts, alleles.shape[1]),
            *(alleles.astype(np.int8).tobytes(), is_phased.astype(np.int8).tobytes()),
        )
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)
        return None

    def flush(self) -> pa.RecordBatch:
        """Return the sites as a batch, and start anew."""
        arrays = [pa.array(column, field.type) for column, field in zip(self._columns, SITES_SCHEMA, strict=True)]
        for column in self._columns:
            column.clear()
        return pa.RecordBatch.from_arrays(arrays, schema=SITES_SCHEMA)


def _records(variants: Any, file: LandedFile) -> Iterator[Any]:
    try:
        yield from variants
    except Exception:  # noqa: BLE001 - cyvcf2 raises a bare Exception for whatever htslib returns
        raise DataError(
            "data.corrupt",
            what="the variant file breaks off or holds a record that cannot be parsed",
            why="sites after it are lost; a part of a table would pass for the whole",
            fix="transfer the file again, or make it anew with a tool that writes VCF 4.x",
            where=file.at(),
        ) from None


def _head(file: LandedFile) -> bytes:
    with reading(file):
        check_complete(file)
        with open_vcf_text(file.path) as stream:
            return stream.read(4)


def _header_of(file: LandedFile, assembly: str) -> tuple[str, ...]:
    head = _head(file)
    if not head.startswith((b"##", _BCF_MAGIC)):
        raise _not_vcf(file)
    if head == _BCF_MAGIC:
        _check(file)  # htslib must not meet damaged binary data
    try:
        variants = VCF(str(file.path))
    except Exception:  # noqa: BLE001 - cyvcf2 raises OSError or a bare Exception, with the path in it
        variants = None
    if variants is None:
        _check(file)  # says what is wrong with the head, if the head is to blame
        raise _not_vcf(file)
    try:
        samples = tuple(variants.samples)
        _check_assembly(variants, file, assembly)
    finally:
        variants.close()
    if not samples:
        raise DataError(
            "data.no-samples",
            what="the variant file holds sites but no samples",
            why="a genotype table needs the calls of its samples",
            fix="land the file with its sample columns",
            where=file.at(),
        )
    return samples


def _check_assembly(variants: Any, file: LandedFile, assembly: str) -> None:
    try:
        lengths = dict(zip(variants.seqnames, variants.seqlens, strict=True))
    except (AttributeError, ValueError):
        return  # the header gives no lengths
    other = next(name for name in _LENGTHS if name != assembly)
    for index, name in enumerate(_CHROMOSOMES):
        length = lengths.get(name, lengths.get(f"chr{name}"))
        if length == _LENGTHS[other][index]:
            raise DataError(
                "data.assembly-differs",
                what=f"the file's header gives chromosome {name} the length it has in {other}; the policy says {assembly}",
                why="positions of two assemblies name different places of the genome",
                fix=f"correct `assembly` in the table's source, or lift the file over to {assembly}",
                where=file.at(),
            )


def _check(file: LandedFile) -> int:
    """Check a text file against the specification; return how many lines come before its first record."""
    if _head(file).startswith(_BCF_MAGIC):
        with reading(file), open_vcf_text(file.path) as stream:
            while stream.read(1 << 20):  # gzip's check sums are held against the bytes
                pass
        return 0
    with reading(file), open_vcf_text(file.path) as stream:
        report = check_stream(stream)
    if not report.readable:
        raise _invalid(file, report)
    return report.header_lines


def _check_columns(table: TablePolicy) -> None:
    missing = [column.name for column in table.columns if column.name not in SITES_SCHEMA.names]
    if missing:
        raise DataError(
            "data.missing-column",
            what=f"a variant file gives table '{table.name}' no column {', '.join(map(repr, missing))}",
            why=f"variant files are read as {', '.join(SITES_SCHEMA.names)}",
            fix="remove the column from the dataset policy",
        )


def _not_vcf(file: LandedFile) -> DataError:
    return DataError(
        "data.not-a-vcf",
        what="the file is neither VCF nor BCF",
        why="a VCF starts with ##fileformat=VCF, a BCF with its magic bytes",
        fix="land the variant calls as VCF, VCF.gz or BCF",
        where=file.at(1),
    )


def _samples_differ(file: LandedFile, here: int, first: int) -> DataError:
    return DataError(
        "data.samples-differ",
        what=f"the file holds {here} samples that are not, in this order, the {first} of the first file",
        why="the files of one genotype table are appended; every site needs the same samples in the same order",
        fix="declare a table for each group of samples, or merge the files before landing",
        where=file.at(),
    )


def _invalid(file: LandedFile, report: VcfReport) -> DataError:
    errors = [item for item in report.errors if item.rule not in DEFINITION_RULES]
    shown = "; ".join(f"line {item.line} {item.field} {item.rule}" for item in errors[:_SHOWN_FINDINGS])
    return DataError(
        "data.invalid-vcf",
        what=f"the file breaks the VCF specification {report.error_count} times: {shown}",
        why="a reader may take a malformed record for other alleles without a word",
        fix="run `niji genome check` on it for the whole list, and make the file anew with a tool that writes valid VCF",
        where=file.at(errors[0].line if errors else 0),
    )
