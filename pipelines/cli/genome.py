"""`niji genome`: check variant files, count alleles, and say what a frequency table tells about its members."""

import csv
import glob
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from policies.errors import DataError, ExitCode, Place, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from pipelines.sources.read import TableReader

app = typer.Typer(no_args_is_help=True, help="Variant files and allele frequencies.")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_SHOWN = 20

Groups = Mapping[str, Sequence[int]] | None


@app.command()
def check(vcf: Annotated[Path, typer.Argument(help="A VCF or VCF.gz file.")], as_json: AsJson = False) -> None:
    """Check a file against the VCF specification; exit 11 if it is invalid."""
    from pipelines.sources.vcf_check import check_vcf

    _require(vcf)
    report = check_vcf(vcf)
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        for finding in report.findings[:_SHOWN]:
            typer.echo(f"{vcf.name}:{finding.line}  {finding.severity.value}  {finding.field}  {finding.rule}")
        hidden = len(report.findings) - _SHOWN
        if hidden > 0:
            typer.echo(f"… and {hidden} more; --json shows them")
        verdict = "valid" if report.valid else "INVALID"
        typer.echo(f"{vcf.name}: {verdict} {report.version}, {report.error_count} errors, {report.records:,} records")
    if not report.valid:
        raise typer.Exit(ExitCode.DATA)


@app.command()
def frequencies(
    vcf: Annotated[list[Path], typer.Argument(help="Variant files; several are shards of disjoint samples.")],
    output: Annotated[Path, typer.Option(help="The Parquet file to write, one row per ALT allele.")],
    panel: Annotated[Path | None, typer.Option(help="A delimited file that puts samples in groups.")] = None,
    by: Annotated[str | None, typer.Option(help="The panel's column to group by.")] = None,
    unlisted_is_reference: Annotated[
        bool, typer.Option(help="Sites that a shard does not list are reference there, in two copies (autosomes).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Count alleles exactly. The result is not a release: publish through a release policy."""
    from anonymization.genome.frequencies import add_shards
    from pipelines.cli.table_files import write_whole

    if (panel is None) != (by is None):
        raise UsageError(
            "usage.panel-and-by",
            what="--panel and --by go together",
            why="groups need a file and the column to group by",
            fix="give both, or neither",
        )
    if output.suffix.lower() != ".parquet":
        raise UsageError(
            "usage.table-format",
            what=f"'{output.name}' does not end in .parquet",
            why="allele counts are written as Parquet",
            fix="give --output a name such as sites.parquet",
        )
    readers = [_reader(path) for path in vcf]
    _require_disjoint(readers)
    chosen = [None] * len(readers) if panel is None or by is None else _groups(panel, by, readers)
    tables = [_count(reader, groups) for reader, groups in zip(readers, chosen, strict=True)]
    if len(tables) > 1:
        alleles = [2 * len(reader.samples) for reader in readers] if unlisted_is_reference else None
        counts = add_shards(tables, reference_alleles=alleles)
    else:
        counts = tables[0]
    write_whole(output, lambda path: _write_parquet(counts, path))
    samples = sum(len(reader.samples) for reader in readers)
    done = {"output": str(output), "rows": counts.num_rows, "samples": samples, "files": len(readers)}
    typer.echo(json.dumps(done) if as_json else f"{output}: {counts.num_rows:,} rows from {samples:,} samples")


@app.command()
def risk(
    sites: Annotated[
        Path, typer.Argument(help="Allele frequencies in Parquet: CHROM or not, AC, AN, one row per ALT.")
    ],
    people: Annotated[int, typer.Option(min=1, help="How many people were counted.")],
    false_positive_rate: Annotated[float, typer.Option(help="Share of outsiders an attacker may mistake.")] = 0.05,
    max_power: Annotated[float, typer.Option(help="The power that is still accepted.")] = 0.5,
    population: Annotated[str, typer.Option(help="The group, where the file has a POPULATION column.")] = "Total",
    as_json: AsJson = False,
) -> None:
    """Bound how well anybody could tell who was counted; each polymorphic ALT weighs as a site, more if few were called."""
    from anonymization.genome.membership import effective_sites, membership_bound

    called = _called_at_polymorphic(sites, population)
    weight = effective_sites(called, people=people)
    bound = membership_bound(weight, people=people, false_positive_rate=false_positive_rate, max_power=max_power)
    if as_json:
        typer.echo(json.dumps({"polymorphic_alleles": len(called), **bound.as_json()}, indent=2))
        return
    typer.echo(f"{len(called):,} polymorphic alleles of {bound.people:,} people, which weigh as {bound.sites:,} sites")
    typer.echo(
        f"power of the best membership test: at most {bound.power:.4f} at {false_positive_rate:g} false positives"
    )
    verdict = "within" if bound.holds else "OVER"
    typer.echo(f"{verdict} the limit of {max_power:g}: up to {bound.max_sites:,} alleles keep it")


def _require(path: Path) -> None:
    if not path.is_file():
        raise UsageError(
            "usage.no-such-file",
            what=f"there is no file '{path}'",
            why="it is to be read",
            fix="check the path",
            where=Place(str(path)),
        )


def _reader(path: Path) -> "TableReader":
    """Open a variant file; whichever assembly its header speaks of is taken, because counts do not depend on it."""
    from pipelines.sources.read import read_table
    from policies.model import TablePolicy

    _require(path)
    for assembly in ("GRCh38", "GRCh37"):
        policy = TablePolicy.model_validate(
            {
                "name": "variants",
                "kind": "genotype",
                "title": {"ja": "変異", "en": "Variants"},
                "source": {"format": "vcf", "paths": [glob.escape(path.name)], "assembly": assembly},
                "columns": [
                    {
                        "name": "gt",
                        "ja": "遺伝型",
                        "type": "alleles",
                        "class": "identification_code",
                        "code": "genome_wgs",
                        "role": "genotype",
                    }
                ],
            }
        )
        try:
            return read_table(policy, landing=path.parent)
        except DataError as error:
            if error.code != "data.assembly-differs":
                raise
    raise DataError(
        "data.assembly-unknown",
        what="the header gives chromosomes lengths of both GRCh37 and GRCh38",
        why="its sites belong to no one assembly",
        fix="make the file anew from one assembly",
        where=Place(str(path)),
    )


def _require_disjoint(readers: Sequence["TableReader"]) -> None:
    names = [sample for reader in readers for sample in reader.samples]
    twice = len(names) - len(set(names))
    if twice:
        raise DataError(
            "genome.shards-overlap",
            what=f"{twice} samples are in more than one file",
            why="they would be counted twice; several files are shards of one region with disjoint samples",
            fix="give each sample once; count different regions one by one",
        )


def _count(reader: "TableReader", groups: Groups) -> "pa.Table":
    import pyarrow as pa

    from anonymization.genome.frequencies import count_batches, counts_schema

    batches = list(count_batches(iter(reader), samples=len(reader.samples), groups=groups))
    if reader.quarantine.total:
        raise DataError(
            "genome.unreadable-sites",
            what=f"{reader.quarantine.total} sites have no genotypes that could be counted",
            why="a frequency table with sites left out in silence misleads",
            fix="check the file with `niji genome check`",
        )
    return pa.Table.from_batches(batches, schema=counts_schema(groups is not None))


def _groups(panel: Path, by: str, readers: Sequence["TableReader"]) -> list[dict[str, list[int]]]:
    group_of = _read_panel(panel, by)
    unknown = sum(sample not in group_of for reader in readers for sample in reader.samples)
    if unknown:
        raise DataError(
            "genome.samples-not-in-panel",
            what=f"{unknown} samples are not in the panel",
            why="a group's counts would silently lack them",
            fix="give a panel that lists every sample of the files in its first column",
            where=Place(str(panel)),
        )
    used = {group_of[sample] for reader in readers for sample in reader.samples}
    made = []
    for reader in readers:
        places: dict[str, list[int]] = {name: [] for name in sorted(used)}
        for place, sample in enumerate(reader.samples):
            places[group_of[sample]].append(place)
        made.append(places)
    return made


def _read_panel(panel: Path, by: str) -> dict[str, str]:
    """Read sample → group; the first column names the sample."""
    _require(panel)
    try:
        lines = panel.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = []
    delimiter = max(("\t", ",", ";"), key=(lines[0] if lines else "").count)
    rows = list(csv.reader(lines, delimiter=delimiter))
    header = [name for name in rows[0] if name] if rows else []
    if by not in header[1:] or len(set(header)) != len(header):
        raise DataError(
            "genome.panel-column",
            what=f"the panel has no column '{by}' after its first, or a name twice, or is not UTF-8 text",
            why="groups are read from that column, samples from the first",
            fix="name a column of the panel's header line",
            where=Place(str(panel), 1),
        )
    place = header.index(by)
    filled = [row for row in rows[1:] if any(row)]
    found = {row[0]: row[place] for row in filled if len(row) > place and row[place] and row[0]}
    if len(found) != len(filled):
        raise DataError(
            "genome.panel-rows",
            what=f"{len(filled) - len(found)} rows of the panel have no sample or group, or repeat a sample",
            why="each sample belongs to one group",
            fix="correct the panel",
            where=Place(str(panel)),
        )
    return found


def _called_at_polymorphic(path: Path, population: str) -> "npt.NDArray[np.int64]":
    """Return AN of the rows whose ALT is neither absent nor everywhere; a hidden (null) count is not a published site."""
    import pyarrow.compute as pc

    from pipelines.cli.table_files import read_table_file

    table = read_table_file(path).table
    missing = [name for name in ("AC", "AN") if name not in table.column_names]
    if missing:
        raise DataError(
            "genome.not-frequencies",
            what=f"the table has no column {' or '.join(missing)}",
            why="a site is polymorphic if its ALT is counted, and not in every chromosome",
            fix="give a file that `niji genome frequencies` or a release wrote",
            where=Place(str(path)),
        )
    compute: Any = pc
    if "POPULATION" in table.column_names:
        table = table.filter(compute.equal(table["POPULATION"], population))
    count, total = (table[name].cast("int64") for name in ("AC", "AN"))
    varies = compute.and_(compute.greater(count, 0), compute.less(count, total))
    called: npt.NDArray[np.int64] = total.filter(compute.fill_null(varies, False)).to_numpy()
    return called


def _write_parquet(counts: "pa.Table", path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(counts, path, compression="zstd", row_group_size=65_536)
