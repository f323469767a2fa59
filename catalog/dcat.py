"""Catalog records as RDF: DCAT-AP 3 with HealthDCAT-AP, literals in Japanese and English, variables as CSVW.

The only module that builds RDF. Dataset addresses hang below `base`; the default is a URN, so that a file says the
same wherever it is exported. Not here: checking shapes (`shacl.py`).

Source: DCAT-AP 3.0.1; HealthDCAT-AP Release 5 (shapes, non-public) and Release 8 (shapes and examples, read); EU authority
tables access-right, data-theme, language, file-type, frequency, dataset-type, country.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from itertools import count
from urllib.parse import quote

from rdflib import BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, FOAF, PROV, RDF, RDFS, SKOS, XSD

from catalog.records import (
    AccessRights,
    CatalogRecord,
    ColumnRecord,
    FileRecord,
    HealthCategory,
    Organization,
    TableRecord,
)
from catalog.wording import MethodKind
from policies.decision.duo import BY_ID, EHDS53
from policies.model.strictness import Text
from policies.vocabulary import ColumnType, OutputCategory

BASE = "urn:niji:catalog:"

# Not rdflib's own: those are closed lists of an older DCAT and CSVW.
CSVW = Namespace("http://www.w3.org/ns/csvw#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
DPV = Namespace("https://w3id.org/dpv#")
DQV = Namespace("http://www.w3.org/ns/dqv#")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
HEALTH = Namespace("http://healthdataportal.eu/ns/health#")
CV = Namespace("http://data.europa.eu/m8g/")
OA = Namespace("http://www.w3.org/ns/oa#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
EU = "http://publications.europa.eu/resource/authority/"

EHDS = URIRef("http://data.europa.eu/eli/reg/2025/327/oj")
APPI = URIRef("https://laws.e-gov.go.jp/law/415AC0000000057")
NGMI = URIRef("https://laws.e-gov.go.jp/law/429AC0000000028")
"""The laws: Regulation (EU) 2025/327; 個人情報の保護に関する法律 (平成15年法律第57号); 次世代医療基盤法 (平成29年法律第28号)."""

_LAWS = {
    EHDS: Text(ja="欧州健康データスペース規則 (EU) 2025/327(参照)", en="Regulation (EU) 2025/327 (in view)"),
    APPI: Text(ja="個人情報の保護に関する法律", en="Act on the Protection of Personal Information"),
    NGMI: Text(ja="次世代医療基盤法", en="Next-Generation Medical Infrastructure Act"),
}
_CATEGORIES = {
    HealthCategory.EHRS: "EHRS",
    HealthCategory.GENETIC: "HGPD",
    HealthCategory.CLAIMS: "HRAD",
    HealthCategory.REGISTRY: "MRMR",
    HealthCategory.COHORT: "RQSH",
    HealthCategory.OTHER: "EHRS",
}
"""Codes of the health categories list, after Regulation (EU) 2025/327 art. 51(1); OTHER has none and is shown as EHRS."""

_CATEGORY_BASE = "https://hdeu-dcat.data.health.europa.eu/resource/authority/healthcategories/"
_CODE_SYSTEMS = {
    "ICD-10": "http://hl7.org/fhir/sid/icd-10",
    "LOINC": "http://loinc.org",
    "SNOMED CT": "http://snomed.info/sct",
    "ATC": "http://www.whocc.no/atc",
    "JLAC10": "urn:oid:1.2.392.200119.4.504",
}
_DATATYPES = {
    ColumnType.STRING: "string",
    ColumnType.INTEGER: "integer",
    ColumnType.DECIMAL: "decimal",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "dateTime",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.ALLELES: "string",
    ColumnType.STRINGS: "string",
}
_MEDIA_TYPES = {
    "PARQUET": "application/vnd.apache.parquet",
    "CSV": "text/csv",
    "JSON": "application/json",
    "MARKDOWN": "text/markdown",
    "VCF": "text/x-vcf",
    "OTHER": "application/octet-stream",
}
_PREFIXES = {
    "csvw": CSVW,
    "cv": CV,
    "dcat": DCAT,
    "dcatap": DCATAP,
    "dct": DCTERMS,
    "dpv": DPV,
    "dqv": DQV,
    "eli": ELI,
    "foaf": FOAF,
    "healthdcatap": HEALTH,
    "oa": OA,
    "prov": PROV,
    "rdf": RDF,
    "rdfs": RDFS,
    "skos": SKOS,
    "vcard": VCARD,
    "xsd": XSD,
}


class RdfFormat(StrEnum):
    """The serializations that `export` writes."""

    TURTLE = "turtle"
    JSON_LD = "json-ld"
    XML = "xml"


def export(records: Iterable[CatalogRecord], *, rdf_format: RdfFormat, base: str = BASE) -> str:
    """Return the records as one RDF document, without a catalog wrapper (HealthDCAT-AP would check it as a dataset)."""
    written = build_graph(records, base=base).serialize(format=rdf_format.value)
    return str(written)


def build_graph(records: Iterable[CatalogRecord], *, base: str = BASE) -> Graph:
    """Return one graph that describes every record.

    Args:
        records: The records.
        base: What dataset ids are appended to; ends with `:` or `/`.
    """
    graph = Graph(bind_namespaces="none")
    for prefix, namespace in _PREFIXES.items():
        graph.bind(prefix, namespace)
    numbers = count(1)
    for record in records:
        _Describer(graph, record, base=base, numbers=numbers).write()
    return graph


def dataset_iri(record_id: str, *, base: str = BASE) -> URIRef:
    """Return the address of a record's dataset."""
    return URIRef(f"{base}{record_id}")


class _Describer:
    """Writes one record into a graph; each method adds one group of facts."""

    def __init__(self, graph: Graph, record: CatalogRecord, *, base: str, numbers: Iterator[int]) -> None:
        self.graph = graph
        self.numbers = numbers
        self.record = record
        self.base = base
        self.node = dataset_iri(record.id, base=base)

    def write(self) -> None:
        self._identity()
        self._people()
        self._access()
        self._health()
        self._coverage()
        self._laws(self.node)
        self._distribution()
        self._variables()
        self._quality()

    def _identity(self) -> None:
        record, node = self.record, self.node
        self.graph.add((node, RDF.type, DCAT.Dataset))
        self._texts(node, DCTERMS.title, record.title)
        self._texts(node, DCTERMS.description, record.description)
        for keyword in record.keywords:
            self._texts(node, DCAT.keyword, keyword)
        self.graph.add((node, DCTERMS.identifier, Literal(record.id)))
        self.graph.add((node, DCAT.version, Literal(record.version)))
        self._date(node, DCTERMS.issued, record.issued)
        self._date(node, DCTERMS.modified, record.modified)
        for code in ("JPN", "ENG"):
            self.graph.add((node, DCTERMS.language, self._authority("language", code, DCTERMS.LinguisticSystem)))
        frequency = self._authority("frequency", "IRREG", DCTERMS.Frequency)
        self.graph.add((node, DCTERMS.accrualPeriodicity, frequency))
        provenance = self._typed(node, DCTERMS.provenance, DCTERMS.ProvenanceStatement)
        self._texts(provenance, RDFS.label, record.provenance)
        if record.dossier_digest is not None:
            self._dossier(record.dossier_digest)
        if self.base.startswith("http"):
            page = URIRef(str(node))
            self.graph.add((node, DCAT.landingPage, page))
            self.graph.add((page, RDF.type, FOAF.Document))

    def _dossier(self, digest: str) -> None:
        separator = "/" if self.base.startswith("http") else ":"
        page = URIRef(f"{self.node}{separator}dossier")
        self.graph.add((self.node, FOAF.page, page))
        self.graph.add((page, RDF.type, FOAF.Document))
        self._texts(page, DCTERMS.title, Text(ja="証拠書類(ドシエ)", en="Dossier: the answer to each clause"))
        self.graph.add((page, DCTERMS.identifier, Literal(digest)))

    def _people(self) -> None:
        publisher = self.record.publisher
        agent = self._agent(DCTERMS.publisher, publisher.name, publisher)
        self.graph.add((agent, HEALTH.trustedDataHolder, Literal(True)))
        self.graph.add((self.node, DCAT.contactPoint, self._contact(publisher)))
        self._agent(HEALTH.hdab, self.record.review_body, publisher)

    def _agent(self, role: URIRef, name: Text, organization: Organization) -> BNode:
        agent = self._typed(self.node, role, FOAF.Agent)
        self._texts(agent, FOAF.name, name)
        # Release 5 asks agents for dcat:contactPoint (vcard), Release 8 for cv:contactPoint; both are said.
        self.graph.add((agent, DCAT.contactPoint, self._contact(organization)))
        point = self._typed(agent, CV.contactPoint, CV.ContactPoint)
        self.graph.add((point, CV.email, Literal(organization.email)))
        if organization.url:
            self.graph.add((point, CV.contactPage, URIRef(organization.url)))
        return agent

    def _contact(self, organization: Organization) -> BNode:
        contact = self._nameless()
        self.graph.add((contact, RDF.type, VCARD.Kind))
        self._texts(contact, VCARD.fn, organization.contact_name)
        self.graph.add((contact, VCARD.hasEmail, URIRef(f"mailto:{organization.email}")))
        if organization.url:
            self.graph.add((contact, VCARD.hasURL, URIRef(organization.url)))
        return contact

    def _access(self) -> None:
        record = self.record
        rights = self._authority("access-right", record.access.name, DCTERMS.RightsStatement)
        self.graph.add((self.node, DCTERMS.accessRights, rights))
        for duo in record.duo:
            term = BY_ID.get(duo)
            if term is not None:
                self._purpose(URIRef(term.iri), term.label)
        for letter in record.ehds53:
            self._purpose(URIRef(f"{EHDS}#art_53-1-{letter}"), EHDS53[letter])
        basis = self._nameless()
        self.graph.add((self.node, DPV.hasLegalBasis, basis))
        self.graph.add((basis, RDF.type, DPV.LegalBasis))
        self._texts(basis, SKOS.prefLabel, Text(ja=record.provision_basis.ja, en=record.provision_basis.en))

    def _purpose(self, node: URIRef, label: Text) -> None:
        self.graph.add((self.node, DPV.hasPurpose, node))
        self.graph.add((node, RDF.type, DPV.Purpose))
        self._texts(node, RDFS.label, label)

    def _health(self) -> None:
        record = self.record
        theme = self._authority("data-theme", "HEAL", SKOS.Concept)
        self._texts(theme, SKOS.prefLabel, Text(ja="保健", en="Health"))
        self.graph.add((self.node, DCAT.theme, theme))
        code = _CATEGORIES[record.health_category]
        category = self._concept(URIRef(_CATEGORY_BASE + code), URIRef(_CATEGORY_BASE.rstrip("/")))
        self._texts(category, SKOS.prefLabel, Text(ja=record.health_category.ja, en=record.health_category.en))
        self.graph.add((self.node, HEALTH.healthCategory, category))
        for kind, label in _types(record):
            concept = self._authority("dataset-type", kind, SKOS.Concept)
            self._texts(concept, SKOS.prefLabel, label)
            self.graph.add((self.node, DCTERMS.type, concept))
        systems = (column.code_system for table in record.tables for column in table.columns)
        for system in sorted({system for system in systems if system}):
            self._coding_system(system)
        for age, path in (
            (record.min_typical_age, HEALTH.minTypicalAge),
            (record.max_typical_age, HEALTH.maxTypicalAge),
        ):
            if age is not None:
                self.graph.add((self.node, path, Literal(age, datatype=XSD.nonNegativeInteger)))
        if record.people_out is not None:
            text = Text(ja=f"対象者数: {record.people_out}", en=f"people: {record.people_out}")
            self._texts(self.node, HEALTH.populationCoverage, text)

    def _coding_system(self, name: str) -> None:
        node = URIRef(_CODE_SYSTEMS[name]) if name in _CODE_SYSTEMS else self._nameless()
        self.graph.add((self.node, HEALTH.hasCodingSystem, node))
        # HealthDCAT-AP wants coding systems to be both.
        self.graph.add((node, RDF.type, DCTERMS.Standard))
        self.graph.add((node, RDF.type, SKOS.Concept))
        self.graph.add((node, SKOS.prefLabel, Literal(name, lang="en")))

    def _coverage(self) -> None:
        record = self.record
        country = self._authority("country", record.spatial, DCTERMS.Location)
        self.graph.add((self.node, DCTERMS.spatial, country))
        if record.temporal_from or record.temporal_to:
            period = self._typed(self.node, DCTERMS.temporal, DCTERMS.PeriodOfTime)
            if record.temporal_from:
                self._date(period, DCAT.startDate, record.temporal_from)
            if record.temporal_to:
                self._date(period, DCAT.endDate, record.temporal_to)

    def _laws(self, node: URIRef | BNode) -> None:
        is_ngmi = self.record.output_category in {OutputCategory.ANONYMIZED_NGMI, OutputCategory.PSEUDONYMIZED_NGMI}
        for law in (EHDS, APPI, NGMI) if is_ngmi else (EHDS, APPI):
            self.graph.add((node, DCATAP.applicableLegislation, law))
            self.graph.add((law, RDF.type, ELI.LegalResource))
            self._texts(law, RDFS.label, _LAWS[law])

    def _distribution(self) -> None:
        if self.record.is_open and self.record.files:
            for file in self.record.files:
                self._file(file)
            return
        node = self._new_distribution(URIRef(f"{self.node}#request"))
        self._texts(node, DCTERMS.title, Text(ja="抽出データの提供(申請・許可制)", en="Extract, on request and permit"))
        self.graph.add((node, DCTERMS["format"], self._file_type("PARQUET")))
        size = sum(file.size_bytes for file in self.record.files)
        if size:
            self.graph.add((node, DCAT.byteSize, Literal(size, datatype=XSD.nonNegativeInteger)))

    def _file(self, file: FileRecord) -> None:
        address = URIRef(f"{self.node}/files/{self.record.version}/{quote(file.path)}")
        node = self._new_distribution(address)
        self._texts(node, DCTERMS.title, Text(ja=file.path, en=file.path))
        if self.base.startswith("http"):
            self.graph.add((node, DCAT.downloadURL, address))
        self.graph.add((node, DCTERMS["format"], self._file_type(file.format)))
        self.graph.add((node, DCAT.byteSize, Literal(file.size_bytes, datatype=XSD.nonNegativeInteger)))

    def _new_distribution(self, node: URIRef) -> URIRef:
        self.graph.add((self.node, DCAT.distribution, node))
        self.graph.add((node, RDF.type, DCAT.Distribution))
        self.graph.add((node, DCAT.accessURL, self.node))
        self._laws(node)
        license_node = self._typed(node, DCTERMS.license, DCTERMS.LicenseDocument)
        self._texts(license_node, DCTERMS.title, _conditions(self.record))
        self._date(node, DCTERMS.issued, self.record.issued)
        return node

    def _file_type(self, kind: str) -> URIRef:
        # PARQUET, CSV and JSON are in the EU file-type table; the others are named by their media type.
        if kind in {"PARQUET", "CSV", "JSON"}:
            return self._authority("file-type", kind, DCTERMS.MediaTypeOrExtent)
        node = URIRef(f"https://www.iana.org/assignments/media-types/{_MEDIA_TYPES[kind]}")
        self.graph.add((node, RDF.type, DCTERMS.MediaTypeOrExtent))
        return node

    def _variables(self) -> None:
        group = self._typed(self.node, HEALTH.hasVariables, CSVW.TableGroup)
        self._texts(group, DCTERMS.title, self.record.title)
        self.graph.add((self.node, HEALTH.hasStructuredData, Literal(True)))
        for table in self.record.tables:
            self._table(group, table)

    def _table(self, group: BNode, table: TableRecord) -> None:
        node = self._typed(group, CSVW.table, CSVW.Table)
        self._texts(node, DCTERMS.title, table.title)
        self.graph.add((node, CSVW.url, URIRef(f"{self.node}/tables/{table.name}")))
        for column in table.columns:
            self._column(node, column)

    def _column(self, table: BNode, column: ColumnRecord) -> None:
        node = self._typed(table, CSVW.column, CSVW.Column)
        label = Text(ja=column.ja, en=column.en)
        self.graph.add((node, CSVW.name, Literal(column.name)))
        # Release 5 asks for csvw:titles, Release 8 for csvw:title.
        self._texts(node, CSVW.titles, label)
        self._texts(node, CSVW.title, label)
        unit = f" [{column.unit}]" if column.unit else ""
        described = Text(
            ja=f"{column.ja}{unit}。処理: {column.treatment.ja}",
            en=f"{column.en}{unit}. Treatment: {column.treatment.en}",
        )
        self._texts(node, DCTERMS.description, described)
        self.graph.add((node, CSVW.datatype, Literal(_DATATYPES[column.type])))
        if column.code_system in _CODE_SYSTEMS:
            self.graph.add((node, CSVW.propertyUrl, URIRef(_CODE_SYSTEMS[column.code_system])))

    def _quality(self) -> None:
        evidence = self.record.evidence
        annotation = self._typed(self.node, DQV.hasQualityAnnotation, DQV.QualityCertificate)
        body = self._typed(annotation, OA.hasBody, OA.TextualBody)
        self._texts(body, RDF.value, evidence.guarantee)
        self._texts(annotation, RDFS.comment, evidence.not_guaranteed)
        self.graph.add((annotation, OA.hasTarget, self.node))
        activity = self._typed(self.node, PROV.wasGeneratedBy, PROV.Activity)
        self._texts(activity, RDFS.label, Text(ja=evidence.method.ja, en=evidence.method.en))
        self.graph.add((activity, PROV.used, URIRef(f"urn:{self.record.policy_digest}")))

    def _nameless(self) -> BNode:
        # Numbered, not random: the same records are written as the same bytes.
        return BNode(f"n{next(self.numbers)}")

    def _texts(self, node: URIRef | BNode, path: URIRef, text: Text) -> None:
        self.graph.add((node, path, Literal(text.ja, lang="ja")))
        self.graph.add((node, path, Literal(text.en, lang="en")))

    def _date(self, node: URIRef | BNode, path: URIRef, day: date) -> None:
        self.graph.add((node, path, Literal(day.isoformat(), datatype=XSD.date)))

    def _typed(self, node: URIRef | BNode, path: URIRef, kind: URIRef) -> BNode:
        made = self._nameless()
        self.graph.add((node, path, made))
        self.graph.add((made, RDF.type, kind))
        return made

    def _authority(self, table: str, code: str, kind: URIRef) -> URIRef:
        node = URIRef(f"{EU}{table}/{code}")
        self.graph.add((node, RDF.type, kind))
        # Stated here because validators do not fetch the authority tables.
        self.graph.add((node, SKOS.inScheme, URIRef(f"{EU}{table}")))
        return node

    def _concept(self, node: URIRef, scheme: URIRef) -> URIRef:
        self.graph.add((node, RDF.type, SKOS.Concept))
        self.graph.add((node, SKOS.inScheme, scheme))
        return node


def _types(record: CatalogRecord) -> list[tuple[str, Text]]:
    if record.output_category is OutputCategory.SYNTHETIC:
        return [("SYNTHETIC_DATA", Text(ja="疑似データ", en="Synthetic data"))]
    if record.evidence.method in {MethodKind.MICRODATA, MethodKind.CONTROLLED_ROWS}:
        is_personal = record.access is AccessRights.NON_PUBLIC and record.evidence.method is MethodKind.CONTROLLED_ROWS
        label = Text(ja="個人データ", en="Personal data") if is_personal else Text(ja="公開物", en="Release")
        return [("PERSONAL_DATA" if is_personal else "RELEASE", label)]
    return [("STATISTICAL", Text(ja="統計", en="Statistical data"))]


def _conditions(record: CatalogRecord) -> Text:
    return Text(
        ja=f"利用条件: {record.purpose.ja} 禁止: " + "、".join(use.ja for use in record.prohibited_uses),
        en=f"Conditions of use: {record.purpose.en} Prohibited: " + ", ".join(use.en for use in record.prohibited_uses),
    )
