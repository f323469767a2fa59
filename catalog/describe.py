"""Make the catalog record of a release from its policies and its evidence.

Pure. Every number of people passes the disclosure gate's public room; sentences of checks are left out, because they
hold exact counts. Not here: the RDF form (`dcat.py`), storing (`store.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from anonymization.disclosure import Room, disclose_count
from anonymization.evidence import CheckResult, Evidence
from catalog.records import (
    AccessRights,
    CatalogRecord,
    ColumnRecord,
    EvidenceSummary,
    FileRecord,
    HealthCategory,
    Organization,
    TableRecord,
)
from catalog.synthetic_columns import synthetic_columns, synthetic_schema
from catalog.wording import MethodKind, method_explanation, treatment_sentence
from policies.errors import DataError, PolicyError
from policies.model import Column, DatasetPolicy, ReleaseColumn, ReleasePolicy, ReleaseTable, TablePolicy
from policies.model.dp_queries import PUBLISHED
from policies.model.method import AlleleFrequencies, DpQuery, DpStatistics, DpSynthetic, Method, Microdata, SmallCells
from policies.model.strictness import Text
from policies.vocabulary import ColumnType, Delivery, TableKind

_FORMATS = {".parquet": "PARQUET", ".csv": "CSV", ".json": "JSON", ".md": "MARKDOWN", ".gz": "VCF", ".vcf": "VCF"}
_RETYPED = {
    "to_age": ColumnType.INTEGER,
    "to_duration_days": ColumnType.INTEGER,
    "truncate_date": ColumnType.STRING,
    "to_prefecture": ColumnType.STRING,
    "generalize": ColumnType.STRING,
    "roll_up_rare": ColumnType.STRING,
    "pseudonymize": ColumnType.STRING,
}
_ADDED: dict[str, tuple[str, str]] = {
    "CHROM": ("染色体", "chromosome"),
    "POS": ("位置(1始まり)", "position, 1-based"),
    "REF": ("参照アレル", "reference allele"),
    "ALT": ("代替アレル", "alternate allele"),
    "AC": ("アレル数", "allele count"),
    "AN": ("全アレル数", "allele number"),
    "AF": ("アレル頻度", "allele frequency"),
    "NS": ("検体数", "number of samples"),
    "POPULATION": ("集団", "population"),
    "AC_HET": ("ヘテロ接合の数", "heterozygous count"),
    "AC_HOM": ("ホモ接合の数", "homozygous count"),
    "AC_HEMI": ("ヘミ接合の数", "hemizygous count"),
    "people": ("人数(空欄は秘匿)", "people (empty where hidden)"),
    "status": ("表示・秘匿の別", "shown or hidden"),
    "value": ("値", "value"),
    "noisy": ("雑音を加えたままの値", "value with its noise, before any correction"),
    "noisy_sum": ("雑音を加えた合計", "sum with its noise"),
    "noisy_count": ("雑音を加えた件数", "count with its noise"),
    "error_95": ("95%の範囲の誤差", "error that holds in 95 % of cases"),
    "sampling_error_95": ("標本による誤差(95%)", "error of the sample that holds in 95 % of cases"),
    "noisy_squares": ("雑音を加えた二乗和", "sum of squares with its noise"),
    "noisy_at_risk": ("雑音を加えたリスク集合の人数", "number at risk with its noise"),
    "noisy_events": ("雑音を加えた事象の数", "events with their noise"),
    "noisy_censored": ("雑音を加えた打切りの数", "censored with their noise"),
    "low": ("区間の下端", "lower edge of the interval"),
    "high": ("区間の上端", "upper edge of the interval"),
    "low_95": ("95%の範囲の下端", "lower end of the 95 % range"),
    "high_95": ("95%の範囲の上端", "upper end of the 95 % range"),
    "probability": ("分位点の割合", "which quantile"),
    "margin": ("周辺表", "margin"),
    "rank": ("順位", "rank"),
    "term": ("係数", "term"),
    "record_id": ("レコードの乱数ID", "random id of the record"),
}
_MADE = Text(ja="この公開物の計算で作られた列", en="made by this release's computation")
_ALLELE_COLUMNS = ("CHROM", "POS", "REF", "ALT", "AC", "AN", "AF")


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """What is known of the published folder: digest of its manifest, file sizes in bytes, columns of each table.

    `schema` maps table → column → type, as the files have them; where it is given, the dictionary of the record lists
    exactly these tables and columns. `modified` is the day of this version where it differs from the first.
    """

    manifest_digest: str | None = None
    files: Mapping[str, int] = field(default_factory=dict)
    schema: Mapping[str, Mapping[str, ColumnType]] = field(default_factory=dict)
    modified: date | None = None
    review_body: Text | None = None


def describe(
    release: ReleasePolicy,
    datasets: Mapping[str, DatasetPolicy],
    *,
    evidence: Evidence,
    checks: Sequence[CheckResult],
    issued: date,
    policy_digest: str,
    package: PackageFacts | None = None,
) -> CatalogRecord:
    """Make the catalog record of one published release.

    Args:
        release: Its policy.
        datasets: The policies of the datasets it draws on, by id.
        evidence: Its evidence.
        checks: All verdicts, of the evidence or of later validation.
        issued: The day of publication.
        policy_digest: `sha256:…` of the release policy's canonical form.
        package: What is known of the published files.

    Returns:
        The record; beside differential privacy it has no count of people.

    Raises:
        DataError: A blocking check did not pass, or the evidence does not reach the policy's k.
        PolicyError: A dataset or table that the release names is not among `datasets`.

    Guarantee: no exact count of people, no sentence of a check, no value of a person is in the record.
    """
    facts = package or PackageFacts()
    _refuse_unproven(release, evidence, checks)
    main = _dataset(datasets, release.datasets[0])
    method = MethodKind(release.method.kind)
    is_private = method in {MethodKind.DP_STATISTICS, MethodKind.DP_SYNTHETIC}
    review = facts.review_body or Text(
        ja=f"{main.controller.name.ja} データ利用審査窓口", en=f"Data-use review desk, {main.controller.name.en}"
    )
    return CatalogRecord(
        id=release.id,
        release=release.id,
        version=release.version,
        title=release.title,
        description=release.description,
        keywords=release.catalog.keywords,
        publisher=_organization(main),
        output_category=release.output_category,
        provision_basis=release.provision_basis,
        access=_access(release.delivery),
        delivery=release.delivery,
        duo=release.purposes.duo,
        mondo=release.purposes.mondo,
        ehds53=release.purposes.ehds53,
        purpose=release.purposes.text,
        prohibited_uses=release.prohibited_uses,
        recipient_kinds=tuple(dict.fromkeys(recipient.kind for recipient in release.recipients)),
        health_category=HealthCategory(release.catalog.health_category),
        issued=issued,
        modified=facts.modified or issued,
        spatial=release.catalog.spatial,
        temporal_from=release.catalog.temporal_from,
        temporal_to=release.catalog.temporal_to,
        min_typical_age=release.catalog.min_typical_age,
        max_typical_age=release.catalog.max_typical_age,
        people_out=None if is_private else disclose_count(evidence.people_out, room=Room.PUBLIC).text,
        tables=_tables(release, datasets, facts.schema),
        evidence=_summary(release.method, evidence, checks),
        policy_digest=policy_digest,
        manifest_digest=facts.manifest_digest,
        files=tuple(_file(path, size) for path, size in sorted(facts.files.items())),
        extract_months=release.retention.extract_months,
        delete_within_days=release.retention.delete_within_days,
        provenance=_provenance(release, datasets),
        review_body=review,
    )


def round_up(size: int) -> int:
    """Return `size` rounded up to one significant digit: an exact size of a file would count its rows."""
    if size <= 0:
        return 0
    unit = int(10 ** (len(str(size)) - 1))
    return -(-size // unit) * unit


def _refuse_unproven(release: ReleasePolicy, evidence: Evidence, checks: Sequence[CheckResult]) -> None:
    failed = [check.name for check in (*evidence.checks, *checks) if check.blocking and not check.passed]
    if failed:
        raise DataError(
            "catalog.check-failed",
            what=f"{len(failed)} blocking checks of release '{release.id}' did not pass: {', '.join(sorted(set(failed)))}",
            why="what is not proven is not published",
            fix="see the evidence of the release, and mend the policy or the data",
        )
    if isinstance(release.method, Microdata) and (evidence.k is None or evidence.k < release.method.k):
        raise DataError(
            "catalog.k-not-reached",
            what=f"the evidence of release '{release.id}' does not reach the policy's k",
            why="the catalog would promise what does not hold",
            fix="protect the release again; if it repeats, raise the suppression limit or coarsen the hierarchies",
        )


def _dataset(datasets: Mapping[str, DatasetPolicy], name: str) -> DatasetPolicy:
    found = datasets.get(name)
    if found is None:
        raise PolicyError(
            "catalog.dataset-missing",
            what=f"dataset '{name}' of the release is not known",
            why="the record names who holds the data and what the columns are",
            fix="give the policies of all datasets that the release names",
        )
    return found


def _organization(dataset: DatasetPolicy) -> Organization:
    controller = dataset.controller
    contact = controller.contact
    return Organization(
        name=controller.name, type=controller.type, contact_name=contact.name, email=contact.email, url=contact.url
    )


def _access(delivery: Sequence[Delivery]) -> AccessRights:
    if Delivery.OPEN in delivery:
        return AccessRights.PUBLIC
    gives_rows = {Delivery.EXTRACT, Delivery.SECURE_ENVIRONMENT} & set(delivery)
    return AccessRights.NON_PUBLIC if gives_rows else AccessRights.RESTRICTED


def _file(path: str, size: int) -> FileRecord:
    suffix = "." + path.rsplit(".", 1)[-1] if "." in path else ""
    known = _FORMATS.get(suffix, "OTHER")
    return FileRecord.model_validate({"path": path, "format": known, "size_bytes": round_up(size)})


def _provenance(release: ReleasePolicy, datasets: Mapping[str, DatasetPolicy]) -> Text:
    used = [_dataset(datasets, name) for name in release.datasets]
    titles = (
        "、".join(f"「{dataset.title.ja}」({dataset.acquisition_basis.ja})" for dataset in used),
        ", ".join(f"“{dataset.title.en}” ({dataset.acquisition_basis.en})" for dataset in used),
    )
    return Text(
        ja=f"{titles[0]}から、公開ポリシー {release.id} {release.version} に従って作成。",
        en=f"Made from {titles[1]} under release policy {release.id} {release.version}.",
    )


def _summary(method: Method, evidence: Evidence, checks: Sequence[CheckResult]) -> EvidenceSummary:
    every = {check.name: check for check in (*evidence.checks, *checks)}.values()
    return EvidenceSummary(
        method=MethodKind(method.kind),
        explanation=method_explanation(method),
        guarantee=Text(ja=evidence.guarantee.ja, en=evidence.guarantee.en),
        not_guaranteed=Text(ja=evidence.not_guaranteed.ja, en=evidence.not_guaranteed.en),
        k=method.k if isinstance(method, Microdata) else None,
        epsilon=evidence.epsilon,
        delta=evidence.delta,
        rho=evidence.rho,
        loss=evidence.loss,
        checks_passed=sum(check.passed for check in every),
        checks_total=len(every),
        checks=tuple(sorted(check.name for check in every if check.passed)),
    )


def _tables(
    release: ReleasePolicy, datasets: Mapping[str, DatasetPolicy], schema: Mapping[str, Mapping[str, ColumnType]]
) -> tuple[TableRecord, ...]:
    known = dict(_known_columns(release, datasets))
    if not schema:
        schema = _expected_schema(release, datasets, known)
    titles = {table.table: _source(table, datasets).title for table in release.tables}
    if isinstance(release.method, DpStatistics):
        titles.update({query.name: query.title for query in release.method.queries})
    if isinstance(release.method, DpSynthetic):
        titles[release.method.name] = release.method.title
        known |= synthetic_columns(release.method, known)
    return tuple(
        TableRecord(
            name=name,
            title=titles.get(name, release.title),
            columns=tuple(_column(known, name, column, kind) for column, kind in columns.items()),
        )
        for name, columns in schema.items()
        if columns
    )


def _column(known: Mapping[tuple[str, str], ColumnRecord], table: str, name: str, kind: ColumnType) -> ColumnRecord:
    record = known.get((table, name)) or next((entry for (_, key), entry in known.items() if key == name), None)
    if record is not None:
        return record.model_copy(update={"type": kind})
    ja, en = _ADDED.get(name, (name, name))
    return ColumnRecord(name=name, ja=ja, en=en, type=kind, treatment=_MADE)


def _known_columns(
    release: ReleasePolicy, datasets: Mapping[str, DatasetPolicy]
) -> Iterator[tuple[tuple[str, str], ColumnRecord]]:
    for table in release.tables:
        source = _source(table, datasets)
        for entry in table.columns:
            column = source.column(entry.name)
            if column is not None:
                yield (table.table, entry.output_name), _known_column(entry, column)


def _known_column(entry: ReleaseColumn, column: Column) -> ColumnRecord:
    kind = column.type
    for step in entry.treat:
        kind = _RETYPED.get(step.op, kind)
    return ColumnRecord(
        name=entry.output_name,
        ja=column.ja,
        en=column.en or column.name.replace("_", " "),
        type=kind,
        unit=column.unit,
        code_system=column.code_system,
        treatment=treatment_sentence(entry.treat),
    )


def _source(table: ReleaseTable, datasets: Mapping[str, DatasetPolicy]) -> TablePolicy:
    found = _dataset(datasets, table.dataset).table(table.table)
    if found is None:
        raise PolicyError(
            "catalog.table-missing",
            what=f"table '{table.table}' is not in dataset '{table.dataset}'",
            why="the dictionary takes its labels from the dataset policy",
            fix="write the table's name as the dataset policy does",
        )
    return found


def _expected_schema(
    release: ReleasePolicy,
    datasets: Mapping[str, DatasetPolicy],
    known: Mapping[tuple[str, str], ColumnRecord],
) -> dict[str, dict[str, ColumnType]]:
    """Say from the policies alone which tables and columns leave; the files themselves are the better source."""
    match release.method:
        case DpSynthetic():
            return {release.method.name: synthetic_schema(release.method)}
        case DpStatistics(queries=queries):
            return {query.name: _query_columns(query) for query in queries}
        case SmallCells(table=table, by=by):
            counted = {"people": ColumnType.INTEGER, "status": ColumnType.STRING}
            return {table: {**dict.fromkeys(by, ColumnType.STRING), **counted}}
        case AlleleFrequencies(table=table):
            texts, shares = {"CHROM", "REF", "ALT"}, {"AF"}
            kinds = {name: ColumnType.STRING if name in texts else ColumnType.INTEGER for name in _ALLELE_COLUMNS}
            return {table: {**kinds, **dict.fromkeys(shares, ColumnType.DECIMAL)}}
        case _:
            return _row_schema(release, datasets, known)


def _query_columns(query: DpQuery) -> dict[str, ColumnType]:
    keys = dict.fromkeys(query.grouped, ColumnType.STRING)
    kinds = {"text": ColumnType.STRING, "integer": ColumnType.INTEGER, "decimal": ColumnType.DECIMAL}
    return keys | {name: kinds[kind] for name, kind in PUBLISHED[query.statistic].items()}


def _row_schema(
    release: ReleasePolicy,
    datasets: Mapping[str, DatasetPolicy],
    known: Mapping[tuple[str, str], ColumnRecord],
) -> dict[str, dict[str, ColumnType]]:
    leaving: dict[str, dict[str, ColumnType]] = {}
    for table in release.tables:
        is_person = _source(table, datasets).kind is TableKind.PERSON
        # The columns of a person table join the record table of microdata.
        home = release.method.record if isinstance(release.method, Microdata) and is_person else table.table
        columns = leaving.setdefault(home, {})
        for entry in table.columns:
            if entry.leaves and (table.table, entry.output_name) in known:
                columns[entry.output_name] = known[(table.table, entry.output_name)].type
    return leaving
