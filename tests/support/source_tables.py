"""Builders of table policies for tests of the sources: small ones, and those of the real inputs."""

from collections.abc import Sequence

from policies.model.dataset import TablePolicy

Cells = dict[str, object]


def column(name: str, kind: str = "string", **more: object) -> Cells:
    """One column of a table policy."""
    return {"name": name, "ja": name, "type": kind, "class": "ordinary", "role": "attribute", **more}


def table(source: Cells, columns: Sequence[Cells], *, kind: str = "event", **more: object) -> TablePolicy:
    """One table policy."""
    return TablePolicy.model_validate(
        {
            "name": "under-test",
            "kind": kind,
            "title": {"ja": "表", "en": "table"},
            "source": source,
            "columns": list(columns),
            **more,
        }
    )


def delimited(
    columns: Sequence[Cells], *, path: str = "t.csv", kind: str = "event", encoding: str = "utf-8", **more: object
) -> TablePolicy:
    """A table in a delimited file; keys of the table policy (`ignored_columns`) may be among `more`."""
    ignored = more.pop("ignored_columns", ())
    files: Cells = {} if "paths" in more else {"path": path}
    source = {"format": "delimited", **files, "encoding": encoding, **more}
    return table(source, columns, kind=kind, ignored_columns=ignored)


def fhir(
    mapping: dict[str, str],
    *,
    resource: str,
    paths: Sequence[str],
    layout: str,
    kind: str = "event",
    types: dict[str, str] | None = None,
) -> TablePolicy:
    """A table made from FHIR resources."""
    source = {"format": "fhir", "layout": layout, "paths": list(paths), "resource": resource, "mapping": mapping}
    return table(
        source,
        [column(name, (types or {}).get(name, "string"), **_calendars(types, name)) for name in mapping],
        kind=kind,
    )


def _calendars(types: dict[str, str] | None, name: str) -> Cells:
    return {"date_calendars": ["omop"]} if (types or {}).get(name) == "date" else {}


def omop(
    name: str,
    columns: Sequence[Cells],
    *,
    path: str,
    kind: str = "event",
    ignored: Sequence[str] = (),
    delimiter: str = ",",
) -> TablePolicy:
    """A table of an OMOP export."""
    source = {"format": "omop", "path": path, "table": name, "delimiter": delimiter}
    return table(source, columns, kind=kind, ignored_columns=list(ignored))


def variants(*paths: str, assembly: str = "GRCh37", columns: Sequence[Cells] | None = None) -> TablePolicy:
    """A genotype table."""
    source = {"format": "vcf", "paths": list(paths), "assembly": assembly}
    return table(
        source,
        columns or [column("chrom"), column("pos", "integer"), column("gt", "alleles")],
        kind="genotype",
        samples="samples",
    )


DIABETES_COLUMNS = [
    "encounter_id",
    "patient_nbr",
    "race",
    "gender",
    "age",
    "weight",
    "admission_type_id",
    "discharge_disposition_id",
    "admission_source_id",
    "time_in_hospital",
    "payer_code",
    "medical_specialty",
    "num_lab_procedures",
    "num_procedures",
    "num_medications",
    "number_outpatient",
    "number_emergency",
    "number_inpatient",
    "diag_1",
    "diag_2",
    "diag_3",
    "number_diagnoses",
    "max_glu_serum",
    "A1Cresult",
    "metformin",
    "repaglinide",
    "nateglinide",
    "chlorpropamide",
    "glimepiride",
    "acetohexamide",
    "glipizide",
    "glyburide",
    "tolbutamide",
    "pioglitazone",
    "rosiglitazone",
    "acarbose",
    "miglitol",
    "troglitazone",
    "tolazamide",
    "examide",
    "citoglipton",
    "insulin",
    "glyburide-metformin",
    "glipizide-metformin",
    "glimepiride-pioglitazone",
    "metformin-rosiglitazone",
    "metformin-pioglitazone",
    "change",
    "diabetesMed",
    "readmitted",
]
_DIABETES_NUMBERS = frozenset(
    [
        "admission_type_id",
        "discharge_disposition_id",
        "admission_source_id",
        "time_in_hospital",
        "num_lab_procedures",
        "num_procedures",
        "num_medications",
        "number_outpatient",
        "number_emergency",
        "number_inpatient",
        "number_diagnoses",
    ]
)


def diabetes() -> TablePolicy:
    """The 101,766 encounters of diabetes130."""
    columns = [column(name, "integer" if name in _DIABETES_NUMBERS else "string") for name in DIABETES_COLUMNS]
    return delimited(
        columns,
        path="diabetes130/dataset_diabetes.zip",
        member="dataset_diabetes/diabetic_data.csv",
        null_values=["?"],
    )


SYNTHEA = {
    "Patient": {
        "id": "id",
        "mrn": "identifier[type.coding[0].code=MR].value",
        "birth_date": "birthDate",
        "gender": "gender",
        "race": "extension[url=http://hl7.org/fhir/us/core/StructureDefinition/us-core-race].extension[url=text].valueString",
        "postal_code": "address[0].postalCode",
    },
    "Condition": {
        "id": "id",
        "patient": "subject.reference()",
        "code": "code.coding[0].code",
        "onset": "onsetDateTime",
    },
    "Encounter": {"id": "id", "patient": "subject.reference()", "class": "class.code", "start": "period.start"},
    "Observation": {
        "id": "id",
        "patient": "subject.reference()",
        "code": "code.coding[0].code",
        "value": "valueQuantity.value",
        "effective": "effectiveDateTime",
    },
}
_SYNTHEA_TYPES = {
    "birth_date": "date",
    "onset": "timestamp",
    "start": "timestamp",
    "effective": "timestamp",
    "value": "decimal",
}


def synthea(
    resource: str, *, paths: Sequence[str] = ("synthea-r4-bundles/*.json.gz",), layout: str = "bundle"
) -> TablePolicy:
    """One resource type of the Synthea bundles or of the bulk export."""
    kind = "person" if resource == "Patient" else "event"
    return fhir(SYNTHEA[resource], resource=resource, paths=paths, layout=layout, kind=kind, types=_SYNTHEA_TYPES)


OMOP_PERSON = (
    *("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth", "birth_datetime"),
    *("race_concept_id", "ethnicity_concept_id", "person_source_value", "gender_source_value"),
)
OMOP_PERSON_IGNORED = (
    *("LOCATION_ID", "provider_id", "care_site_id", "gender_source_concept_id", "race_source_value"),
    *("race_source_concept_id", "ethnicity_source_value", "ethnicity_source_concept_id"),
)


def omop_person(path: str, *, delimiter: str = ",") -> TablePolicy:
    """The PERSON table of an OMOP export."""
    columns = [
        column(
            name,
            "integer" if name.endswith(("_id", "_of_birth")) else "timestamp" if name == "birth_datetime" else "string",
        )
        for name in OMOP_PERSON
    ]
    return omop("PERSON", columns, path=path, kind="person", ignored=OMOP_PERSON_IGNORED, delimiter=delimiter)
