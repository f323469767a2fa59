"""A record that names its dossier says so in DCAT, and keeps its shapes."""

from typing import Any

import pytest
from rdflib import Literal, URIRef
from rdflib.namespace import DCTERMS, FOAF, RDF

from catalog.dcat import build_graph
from catalog.shacl import validate

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("base", "page"),
    [
        ("urn:niji:catalog:", "urn:niji:catalog:admissions-microdata:dossier"),
        ("https://data.example.jp/datasets/", "https://data.example.jp/datasets/admissions-microdata/dossier"),
    ],
)
def test_a_record_with_a_dossier_points_to_its_page_and_keeps_the_shapes(build: Any, base: str, page: str) -> None:
    record = build.record("microdata").model_copy(update={"dossier_digest": DIGEST})
    graph = build_graph([record], base=base)
    pages = set(graph.objects(URIRef(f"{base}{record.id}"), FOAF.page))
    assert pages == {URIRef(page)}
    assert (URIRef(page), RDF.type, FOAF.Document) in graph
    assert (URIRef(page), DCTERMS.identifier, Literal(DIGEST)) in graph
    assert validate(graph).conforms


def test_a_record_without_one_says_nothing(build: Any) -> None:
    record = build.record("microdata")
    assert list(build_graph([record]).objects(None, FOAF.page)) == []
