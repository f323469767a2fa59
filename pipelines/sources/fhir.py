"""FHIR R4 bundles and Bulk Data NDJSON → flat record batches, by the mapping of the policy.

One resource of the wanted type is one row; others are passed over. JSON is read strictly: no NaN, UTF-8 only.
A file that is not JSON is one quarantined entry (line 0); a line that is not JSON is one quarantined line.
Sources: HL7 FHIR R4 (v4.0.1), Bundle and json.html; Bulk Data Access IG 2.0, export file format.
"""

import json
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

import pyarrow as pa

from pipelines.sources.batches import BatchMaker
from pipelines.sources.fhir_path import Json, Path, Unresolvable, compile_path, resolve
from pipelines.sources.landing import LandedFile, open_bytes
from pipelines.sources.quarantine import Quarantine, Reason
from policies.errors import PolicyError
from policies.model.dataset import TablePolicy
from policies.model.source import FhirLayout, FhirSource

_BLANK = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"


class FhirReader:
    """Reads FHIR files as one table.

    Args:
        table: What the columns are.
        source: Its source, with the mapping.
        quarantine: Where refused resources are listed.
        batch_rows: Most rows in a batch.

    Raises:
        PolicyError: `policy.unmapped-column`, `policy.bad-fhir-path`.
    """

    def __init__(self, table: TablePolicy, *, source: FhirSource, quarantine: Quarantine, batch_rows: int) -> None:
        self._source = source
        self._quarantine = quarantine
        self._batch_rows = batch_rows
        self._maker = BatchMaker(table, quarantine=quarantine)
        self._paths = _paths_of(table, source)

    def read(self, files: tuple[LandedFile, ...], *, digests: dict[str, str]) -> Iterator[pa.RecordBatch]:
        """Read all files, one after the other; give batches of rows that fit."""
        rows: list[list[str | None]] = []
        labels: list[str] = []
        lines: list[int] = []
        for file in files:
            with open_bytes(file, member=None, digests=digests) as stream:
                for line, resource in self._resources(stream, file):
                    row = self._row(resource, file, line)
                    if row is None:
                        continue
                    rows.append(row)
                    labels.append(file.label)
                    lines.append(line)
                    if len(rows) == self._batch_rows:
                        yield self._maker.make(labels, lines, rows)
                        rows, labels, lines = [], [], []
        if rows:
            yield self._maker.make(labels, lines, rows)

    def _resources(self, stream: BinaryIO, file: LandedFile) -> Iterator[tuple[int, dict[str, Json]]]:
        is_lines = self._source.layout is FhirLayout.NDJSON
        for line, resource in _lines(stream) if is_lines else _entries(stream):
            if isinstance(resource, Reason):
                self._quarantine.add(file.label, line, resource)
            elif resource.get("resourceType") == self._source.resource:
                yield line, resource

    def _row(self, resource: dict[str, Json], file: LandedFile, line: int) -> list[str | None] | None:
        row = []
        for name, path in self._paths:
            try:
                row.append(resolve(path, resource))
            except Unresolvable as error:
                self._quarantine.add(file.label, line, error.reason, column=name)
                return None
        return row


def _paths_of(table: TablePolicy, source: FhirSource) -> tuple[tuple[str, Path], ...]:
    names = [column.name for column in table.columns]
    without = [name for name in names if name not in source.mapping]
    unknown = [name for name in source.mapping if name not in names and name not in table.ignored_columns]
    if without or unknown:
        raise PolicyError(
            "policy.unmapped-column",
            what=f"table '{table.name}': columns and mapping differ at {', '.join(f'{n!r}' for n in [*without, *unknown])}",
            why="each column comes from one path of the resource, and a path without a column would be an undeclared column",
            fix="give every column a path in `mapping`, and every path a column",
        )
    return tuple((name, compile_path(source.mapping[name])) for name in names)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Json] | Reason]]:
    for number, line in enumerate(stream, start=1):
        text = line.removeprefix(_MARK) if number == 1 else line
        if text.strip(_BLANK):
            yield number, _resource(parse_json(text))


def _entries(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Json] | Reason]]:
    bundle = _resource(parse_json(stream.read().removeprefix(_MARK)))
    if isinstance(bundle, Reason):
        yield 0, bundle
        return
    entries = bundle.get("entry", [])
    if bundle["resourceType"] != "Bundle" or not isinstance(entries, list):
        yield 0, Reason.BAD_RESOURCE
        return
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            yield number, Reason.BAD_RESOURCE
        elif "resource" in entry:  # an entry may hold only a request (DELETE) or a response
            yield number, _resource(entry["resource"])


def _resource(value: Json | Reason) -> dict[str, Json] | Reason:
    if isinstance(value, Reason):
        return value
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        return Reason.BAD_RESOURCE
    return value


def parse_json(data: bytes) -> Json | Reason:
    """Parse JSON strictly; numbers come back as the text they were written with.

    Returns:
        The value; `Reason.UNDECODABLE` if it is not UTF-8, `Reason.BAD_JSON` if it is not JSON.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Reason.UNDECODABLE
    try:
        return _DECODER.decode(text)  # type: ignore[no-any-return]  # json returns Any
    except (ValueError, RecursionError):
        return Reason.BAD_JSON


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)
