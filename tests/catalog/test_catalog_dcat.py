import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, RDF, SH

from catalog.dcat import DCAT, HEALTH, RdfFormat, build_graph, dataset_iri, export
from catalog.describe import PackageFacts
from catalog.shacl import OWN_SHAPES, ShaclSeverity, load_shapes, validate
from policies.errors import DataError, UsageError

METHODS = ("microdata", "dp_statistics", "small_cells", "allele_frequencies", "controlled_rows")
DCAT_AP = ("dcat-ap-3.0.1/html-shacl/shapes.ttl", "dcat-ap-3.0.1/html-shacl/range.ttl")
HEALTH_R5 = "healthdcat-ap/healthdcatap-shacl-nonpublic-r5.ttl"


def _official(shared_data: Path, folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        shutil.copy(shared_data / "standards" / name, folder)
    return folder


@pytest.mark.shared
@pytest.mark.parametrize("kind", METHODS)
def test_records_hold_the_official_shapes(build: Any, shared_data: Path, tmp_path: Path, kind: str) -> None:
    graph = build_graph([build.record(kind)])
    assert validate(graph, shapes_dir=_official(shared_data, tmp_path / "dcat", *DCAT_AP)).findings == ()
    assert validate(graph, shapes_dir=_official(shared_data, tmp_path / "r5", *DCAT_AP, HEALTH_R5)).findings == ()


@pytest.mark.shared
def test_open_records_differ_from_the_non_public_shapes_by_their_access_right_only(
    build: Any, shared_data: Path, tmp_path: Path
) -> None:
    graph = build_graph([build.record(delivery=("open",))], base="https://data.example.jp/datasets/")
    assert validate(graph, shapes_dir=_official(shared_data, tmp_path / "dcat", *DCAT_AP)).findings == ()
    found = validate(graph, shapes_dir=_official(shared_data, tmp_path / "r5", *DCAT_AP, HEALTH_R5)).findings
    assert {finding.path for finding in found} == {str(DCTERMS.accessRights)}


@pytest.mark.shared
def test_the_vocabulary_shapes_find_no_violation(build: Any, shared_data: Path, tmp_path: Path) -> None:
    shapes = _official(shared_data, tmp_path / "mdr", "dcat-ap-3.0.1/html-shacl/mdr-vocabularies.shape.ttl")
    for kind in METHODS:
        assert validate(build_graph([build.record(kind)]), shapes_dir=shapes).conforms


@pytest.mark.shared
def test_the_authority_codes_are_in_the_eu_tables(build: Any, shared_data: Path) -> None:
    folder = shared_data / "standards" / "eu-vocabularies"
    known = {str(subject) for path in folder.glob("*.ttl") for subject in Graph().parse(path).subjects()}
    records = [build.record(kind) for kind in METHODS] + [
        build.record(delivery=("open",)),
        build.record(delivery=("statistic",)),
    ]
    graph = build_graph(records)
    used = {str(node) for node in graph.subjects(RDF.type) if "/resource/authority/" in str(node)}
    tables = {"access-right", "data-theme", "dataset-type", "frequency"}
    checked = {iri for iri in used if iri.rsplit("/", 2)[1] in tables}
    assert {iri.rsplit("/", 2)[1] for iri in checked} == tables
    assert not {iri for iri in checked if iri not in known and "PERSONAL_DATA" not in iri}


@pytest.mark.parametrize("kind", METHODS)
def test_records_hold_our_own_shapes(build: Any, kind: str) -> None:
    assert validate(build_graph([build.record(kind)])).findings == ()


def test_a_whole_catalog_holds_our_own_shapes(build: Any) -> None:
    records = [build.record(kind, delivery=("open",)) for kind in METHODS]
    assert validate(build_graph(records, base="https://data.example.jp/datasets/")).conforms


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (DCTERMS.title, "a dataset has a title in Japanese and in English"),
        (DCTERMS.accessRights, "a dataset has one access right of the EU table access-right"),
        (DCTERMS.provenance, "a dataset says where it comes from"),
        (DCAT.distribution, "a dataset has a distribution"),
        (DCAT.contactPoint, "a dataset has a contact point"),
        (HEALTH.hdab, "a dataset names one body that reviews its use, with a contact point"),
        (HEALTH.healthCategory, "a dataset has a health category of EHDS article 51"),
        (HEALTH.hasVariables, "a dataset lists its variables (Release 8: mandatory for structured data)"),
    ],
)
def test_a_missing_element_is_a_violation(build: Any, path: URIRef, message: str) -> None:
    graph = build_graph([build.record()])
    graph.remove((dataset_iri("admissions-microdata"), path, None))
    report = validate(graph)
    assert not report.conforms
    assert (str(dataset_iri("admissions-microdata")), str(path)) in {
        (each.focus, each.path) for each in report.violations
    }
    assert any(message in each.message for each in report.violations)


def test_an_exact_number_of_people_is_a_violation(build: Any) -> None:
    graph = build_graph([build.record()])
    graph.add((dataset_iri("admissions-microdata"), HEALTH.numberOfUniqueIndividuals, Literal(4987)))
    report = validate(graph)
    assert [each.path for each in report.violations] == [str(HEALTH.numberOfUniqueIndividuals)]
    assert "4987" not in str(report)


def test_no_count_of_people_beside_differential_privacy(build: Any) -> None:
    assert not list(build_graph([build.record("dp_statistics")]).objects(None, HEALTH.populationCoverage))
    assert list(build_graph([build.record("microdata")]).objects(None, HEALTH.populationCoverage))


@pytest.mark.parametrize("rdf_format", list(RdfFormat))
def test_every_serialization_reads_back_as_the_same_graph(build: Any, rdf_format: RdfFormat) -> None:
    from rdflib.compare import isomorphic

    record = build.record("microdata")
    written = export([record], rdf_format=rdf_format)
    parsed = Graph().parse(data=written, format=rdf_format.value)
    assert isomorphic(parsed, build_graph([record]))
    assert export([record], rdf_format=RdfFormat.TURTLE) == export([record], rdf_format=RdfFormat.TURTLE)
    if rdf_format is RdfFormat.JSON_LD:
        json.loads(written)


def test_titles_stand_in_both_languages(build: Any) -> None:
    graph = build_graph([build.record()])
    titles = list(graph.objects(dataset_iri("admissions-microdata"), DCTERMS.title))
    assert {title.language for title in titles} == {"ja", "en"}


def test_open_files_have_a_download_address(build: Any) -> None:
    package = PackageFacts(files={"stays.parquet": 1234, "README.ja.md": 5})
    graph = build_graph([build.record(delivery=("open",), package=package)], base="https://data.example.jp/datasets/")
    urls = {str(url) for url in graph.objects(None, DCAT.downloadURL)}
    assert urls == {
        f"https://data.example.jp/datasets/admissions-microdata/files/1.0.0/{name}" for name in package.files
    }
    closed = build_graph([build.record(package=package)], base="https://data.example.jp/datasets/")
    assert not list(closed.objects(None, DCAT.downloadURL))


def test_pathless_property_shapes_are_left_out_and_counted(build: Any, tmp_path: Path) -> None:
    (tmp_path / "odd.ttl").write_text(
        "@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix dcat: <http://www.w3.org/ns/dcat#> ."
        "<urn:s> a sh:NodeShape ; sh:targetClass dcat:Dataset ; sh:property [ sh:or ( [ sh:class dcat:Dataset ] ) ] ."
    )
    report = validate(build_graph([build.record()]), shapes_dir=tmp_path)
    assert (report.conforms, report.dropped_shapes) == (True, 1)


def test_shapes_that_are_none_are_refused(build: Any, tmp_path: Path) -> None:
    graph = build_graph([build.record()])
    with pytest.raises(UsageError, match=r"catalog\.no-shapes"):
        validate(graph, shapes_dir=tmp_path)
    (tmp_path / "bad.ttl").write_text("this is not turtle {")
    with pytest.raises(DataError, match=r"catalog\.shapes"):
        validate(graph, shapes_dir=tmp_path)


def test_our_shapes_name_their_sources_and_never_forbid_a_language_tag() -> None:
    shapes = load_shapes(OWN_SHAPES)
    from rdflib.namespace import RDFS, XSD

    targets = set(shapes.subjects(SH.targetClass))
    assert targets
    assert all((shape, RDFS.comment, None) in shapes for shape in targets)
    assert (None, SH.datatype, XSD.string) not in shapes
    assert set(ShaclSeverity) == {"Violation", "Warning", "Info"}
