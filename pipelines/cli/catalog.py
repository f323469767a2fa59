"""`niji catalog …`: search the published records, export them as DCAT, check them against shapes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.cli.catalog_home import DEFAULT_HOME, Home, Json, open_store, print_json
from policies.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from catalog.search import Facet

app = typer.Typer(help="Search, export and check the catalog of published releases.", no_args_is_help=True)


@app.command(epilog="Examples: niji catalog validate  ·  niji catalog validate --shapes dcat-ap-3.0.1/shacl --json")
def validate(
    shapes: Annotated[
        Path | None, typer.Option(help="A folder of official SHACL files (*.ttl) instead of our own.")
    ] = None,
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Check every record against SHACL shapes. Exit 11 if there is a violation."""
    from catalog.dcat import build_graph
    from catalog.shacl import validate as validate_graph

    records = open_store(home).records()
    report = validate_graph(build_graph(records), shapes_dir=shapes)
    if as_json:
        findings = [finding.as_json() for finding in report.findings]
        print_json({"records": len(records), "conforms": report.conforms, "findings": findings})
    else:
        for finding in report.findings:
            typer.echo(f"{finding.severity.value}: {finding.focus} {finding.path}\n  {finding.message}")
        left_out = f", {report.dropped_shapes} malformed shapes left out" if report.dropped_shapes else ""
        typer.echo(f"{len(records)} records, {len(report.violations)} violations{left_out}")
    if not report.conforms:
        raise typer.Exit(int(ExitCode.DATA))


@app.command(epilog="Examples: niji catalog export > catalog.ttl  ·  niji catalog export admissions --format json-ld")
def export(
    records: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Record ids; all if none.")] = None,
    rdf_format: Annotated[
        Literal["turtle", "json-ld", "xml"], typer.Option("--format", help="The serialization.")
    ] = "turtle",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json-ld.")] = False,
    base: Annotated[str | None, typer.Option(help="What dataset ids are appended to; a URN if not given.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the screen.")] = None,
    home: Home = DEFAULT_HOME,
) -> None:
    """Export records as DCAT-AP 3 / HealthDCAT-AP."""
    from catalog.dcat import BASE, RdfFormat
    from catalog.dcat import export as export_rdf
    from catalog.store import require_record

    store = open_store(home)
    found = [require_record(store, name) for name in records] if records else list(store.records())
    wanted = RdfFormat.JSON_LD if as_json else RdfFormat(rdf_format)
    document = export_rdf(found, rdf_format=wanted, base=base or BASE)
    if output is None:
        typer.echo(document)
        return
    try:
        output.write_text(document, "utf-8")
    except OSError as error:
        raise UsageError(
            "catalog.output",
            what=f"{output} cannot be written",
            why=error.strerror or "the system refused",
            fix="name a file in a folder you may write to",
        ) from None


@app.command(
    epilog="Examples: niji catalog search 糖尿病  ·  niji catalog search --variable HbA1c --facet method=microdata"
)
def search(
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORD]...", help="Words; all must occur.")] = None,
    variable: Annotated[str, typer.Option(help="Words in the names and labels of variables.")] = "",
    facet: Annotated[
        list[str] | None,
        typer.Option(metavar="FACET=VALUE", help="category=…, method=… or health=…; repeatable, or within a facet."),
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Page of results.")] = 1,
    language: Annotated[Literal["ja", "en"], typer.Option(help="Language of the titles.")] = "ja",
    as_json: Json = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Search records by words and variables, narrowed by facets."""
    from catalog.store import SearchQuery

    query = SearchQuery(words=" ".join(words or ()), variable=variable, facets=_facets(facet or []), page=page)
    result = open_store(home).search(query)
    if as_json:
        counts = {
            name.value: [{"value": each.value, "count": each.count} for each in found]
            for name, found in result.facets.items()
        }
        records = [record.as_json() for record in result.records]
        pages = {"total": result.total, "page": result.page, "pages": result.pages}
        print_json({**pages, "records": records, "facets": counts})
        return
    for record in result.records:
        title = record.title.ja if language == "ja" else record.title.en
        label = record.evidence.method.ja if language == "ja" else record.evidence.method.en
        typer.echo(f"{record.id}  {record.version}  {title}  [{label}]")
    typer.echo(f"{result.total} records, page {result.page} of {result.pages}")


def _facets(given: list[str]) -> "dict[Facet, tuple[str, ...]]":
    from catalog.search import FACET_VALUES, Facet

    chosen: dict[Facet, tuple[str, ...]] = {}
    for pair in given:
        name, _, value = pair.partition("=")
        if name not in set(Facet) or value not in {member.value for member in FACET_VALUES[Facet(name)]}:
            allowed = "; ".join(
                f"{each.value}: {', '.join(member.value for member in FACET_VALUES[each])}" for each in Facet
            )
            raise UsageError(
                "catalog.unknown-facet",
                what="--facet was given something that does not exist",
                why="facets and their values are closed lists",
                fix=f"write FACET=VALUE with one of these. {allowed}",
            )
        chosen[Facet(name)] = (*chosen.get(Facet(name), ()), value)
    return chosen
