"""Check a variant file against the VCF specification 4.1 to 4.3, in one pass, before anything reads it.

A parser is not a validator: on public conformance files htslib accepts about nine of ten invalid ones. The check covers
the head, the fixed columns, INFO values of reserved and declared keys, and every genotype; it is a specification check,
not a check against a reference genome.

Not covered, on purpose: whether contigs, filters and keys are declared in the head (the specification only recommends
it); names of contigs follow the SAM rule of 4.3, so that HLA contigs (`HLA-A*01:01`) pass in all versions.

Source: The Variant Call Format Specification, VCFv4.1, VCFv4.2, VCFv4.3 (samtools/hts-specs).
"""

import gzip
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from pipelines.sources.landing import GZIP_MAGIC, LandedFile, check_complete, reading
from pipelines.sources.vcf_meta import HeaderChecker
from pipelines.sources.vcf_record import RecordChecker
from pipelines.sources.vcf_report import Findings, VcfReport
from pipelines.sources.vcf_reserved import NEW

_LONGEST_LINE = 256 << 20  # a line of a VCF with a million samples; what is longer is not a VCF


@contextmanager
def open_vcf_text(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked if its first bytes are those of gzip (bgzip is gzip)."""
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        if not is_gzip:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw, mode="rb") as unpacked:
            yield cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, unpacked), 1 << 20))


def check_vcf(path: Path) -> VcfReport:
    """Check one VCF or VCF.gz file.

    Args:
        path: The file.

    Returns:
        The report; `valid` says the verdict. A BCF or another binary file is invalid with rule `fileformat`.

    Raises:
        DataError: `data.unreadable`, `data.truncated`, `data.corrupt`.
    """
    file = LandedFile(path, path.name)
    with reading(file):
        check_complete(file)
        with open_vcf_text(path) as stream:
            return check_stream(stream)


def check_stream(stream: BinaryIO) -> VcfReport:
    """Check the unpacked bytes of a VCF."""
    findings = Findings()
    head = HeaderChecker(findings)
    lines = _numbered(stream)
    header_lines, last = _check_head(lines, head, findings)
    records = 0
    if head.header.complete:
        checker = RecordChecker(head.header, findings)
        records, last = _check_records(lines, checker, findings, last)
    elif not findings.errors:
        findings.error(max(1, header_lines), "header", "columns-missing")
    if last and not last.endswith(b"\n"):
        note = findings.error if head.header.version >= NEW else findings.warn
        note(header_lines + records, "file", "no-line-break-at-end")
    return VcfReport(
        findings=tuple(findings.kept),
        error_count=findings.errors,
        warning_count=findings.warnings,
        definition_errors=findings.definition_errors,
        header_lines=header_lines,
        records=records,
        samples=head.header.samples,
        version=head.header.version,
    )


def _numbered(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        yield number, line


def _check_head(lines: Iterator[tuple[int, bytes]], head: HeaderChecker, findings: Findings) -> tuple[int, bytes]:
    """Check up to the column line; return how many lines that is, and the last of them."""
    number, line = 0, b""
    for number, line in lines:
        text = _decoded(number, line.rstrip(b"\r\n"), findings)
        if number == 1:
            if not head.first(text):
                return number, b""
        elif text.startswith("##"):
            head.meta(number, text)
        elif text.startswith("#"):
            head.columns(number, text)
            return number, line
        else:
            findings.error(number, "header", "meta-unstructured")
            if findings.errors > findings.keep:
                return number, b""
    if number == 0:
        findings.error(1, "header", "fileformat")
    return number, line


def _decoded(number: int, line: bytes, findings: Findings) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        findings.error(number, "header", "not-utf8")
        return line.decode("latin-1")


def _check_records(
    lines: Iterable[tuple[int, bytes]], checker: RecordChecker, findings: Findings, last: bytes
) -> tuple[int, bytes]:
    records = 0
    blank = 0
    for number, line in lines:
        last = line
        text = line.rstrip(b"\r\n")
        if not text:
            blank = blank or number
            continue
        if blank:
            findings.error(blank, "record", "blank-line")
            blank = 0
        records += 1
        checker.check(number, text)
    return records, last
