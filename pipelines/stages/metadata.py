"""What Dagster shows of an outcome: columns, lineage, counts through the disclosure gate, digests. Never a value.

Metadata stay in the event log for ever, so counts pass the gate here too, and tables are shown by their columns only.
"""

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from anonymization.disclosure import Room, disclose_count
from anonymization.evidence import CheckResult
from catalog.dossier import Summary
from pipelines.quality import verdicts
from pipelines.release_figures import figures_of
from pipelines.stages.outcome import Outcome
from policies.model import Column, DatasetPolicy, ReleasePolicy
from policies.sentences import Language
from policies.vocabulary import QualityDimension


def outcome_metadata(outcome: Outcome, *, policy_digest: str, schemas: Mapping[str, pa.Schema]) -> dict[str, Any]:
    """Return the metadata of an outcome.

    Args:
        outcome: What the stage says.
        policy_digest: The digest of the policy that the stage followed.
        schemas: The columns of the tables it wrote.
    """
    metadata: dict[str, Any] = {
        "policy_digest": policy_digest,
        "reused": outcome.is_reused,
        "tables": dg.MetadataValue.md(", ".join(f"`{name}`" for name in sorted(schemas)) or "-"),
    }
    for name, count in outcome.counts.items():
        metadata[name] = disclose_count(count, room=Room.STEWARD).text
    rows = outcome.counts.get("rows")
    shown = disclose_count(rows, room=Room.STEWARD).value if rows is not None else None
    if shown is not None:
        metadata["dagster/row_count"] = shown
    metadata.update(outcome.words)
    return metadata


def dossier_links(folder: Path, summary: Summary, *, portal: str) -> dict[str, Any]:
    """Return where the dossier of a release lies, on disk and in the portal, and how its rules stand.

    Args:
        folder: The dossier's folder.
        summary: How many rules are kept, held and open.
        portal: The address of the dossier's page in the portal.
    """
    closed = summary.kept + summary.accepted
    return {
        "dossier": dg.MetadataValue.path(str(folder)),
        "dossier_page": dg.MetadataValue.url(portal),
        "rules_kept": f"{closed} of {summary.applicable} that apply",
        "rules_held": summary.held,
        "rules_open": summary.broken + summary.unanswered + summary.held,
    }


def dataset_columns(dataset: DatasetPolicy, schemas: Mapping[str, pa.Schema]) -> dg.TableSchema:
    """Return the columns of a dataset's stage, `table.column`, with label, legal class and role of each."""
    columns = []
    for name, schema in sorted(schemas.items()):
        table = dataset.table(name)
        for field in schema:
            known = table.column(field.name) if table else None
            columns.append(_column(f"{name}.{field.name}", str(field.type), known))
    return dg.TableSchema(columns=columns)


def release_columns(
    release: ReleasePolicy, datasets: Mapping[str, DatasetPolicy], schemas: Mapping[str, pa.Schema]
) -> dg.TableSchema:
    """Return the columns of a release's tables, each with the label of its source, its rule and its treatment."""
    said: dict[str, str] = {}
    for table in release.tables:
        policy = datasets[table.dataset].table(table.table)
        for column in table.columns:
            source = policy.column(column.name) if policy else None
            steps = ", ".join(step.op for step in column.treat)
            label = f"{source.ja} / {source.en or source.name}" if source else column.name
            said.setdefault(column.output_name, f"{label}: {steps} ({column.rule})")
    return dg.TableSchema(
        columns=[
            dg.TableColumn(f"{name}.{field.name}", str(field.type), description=said.get(field.name))
            for name, schema in sorted(schemas.items())
            for field in schema
        ]
    )


def dataset_lineage(stage: str, before: str, dataset: str, schemas: Mapping[str, pa.Schema]) -> dg.TableColumnLineage:
    """Return which column of the stage before each column comes from: its own name."""
    upstream = dg.AssetKey([before, dataset])
    return dg.TableColumnLineage(
        {
            f"{name}.{field.name}": [dg.TableColumnDep(upstream, f"{name}.{field.name}")]
            for name, schema in schemas.items()
            for field in schema
        }
    )


def release_lineage(release: ReleasePolicy, schemas: Mapping[str, pa.Schema]) -> dg.TableColumnLineage:
    """Return which pseudonymized columns each column of a release comes from, by the release policy."""
    sources: dict[str, list[dg.TableColumnDep]] = {}
    for table in release.tables:
        for column in table.columns:
            dep = dg.TableColumnDep(dg.AssetKey(["pseudonymized", table.dataset]), f"{table.table}.{column.name}")
            sources.setdefault(column.output_name, []).append(dep)
    return dg.TableColumnLineage(
        {
            f"{name}.{field.name}": sources[field.name]
            for name, schema in schemas.items()
            for field in schema
            if field.name in sources
        }
    )


def checks_table(checks: Iterable[CheckResult]) -> dg.TableMetadataValue:
    """Return verdicts as a table; figures only, through the gate where they count rows."""
    records = [
        dg.TableRecord(
            {
                "check": check.name,
                "passed": check.passed,
                "blocking": check.blocking,
                "dimension": check.dimension.value if check.dimension else "",
                "rule": check.rule or "",
                "what": check.what,
            }
        )
        for check in checks
    ]
    return dg.MetadataValue.table(records) if records else dg.MetadataValue.table([dg.TableRecord({"check": "none"})])


def _column(name: str, kind: str, known: Column | None) -> dg.TableColumn:
    if known is None:
        return dg.TableColumn(name, kind)
    return dg.TableColumn(
        name,
        kind,
        description=f"{known.ja} / {known.en or known.name}",
        tags={"class": "-".join(one.value for one in known.classes), "role": known.role.value},
        constraints=dg.TableColumnConstraints(nullable=not known.required),
    )


def evidence_figures(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a release's evidence that Dagster charts over time, and its two statements."""
    figures = {name: evidence[name] for name in ("k", "epsilon", "delta", "loss") if evidence[name] is not None}
    figures["guarantee"] = dg.MetadataValue.md(f"{evidence['guarantee']['ja']}\n\n{evidence['guarantee']['en']}")
    figures["not_guaranteed"] = dg.MetadataValue.md(
        f"{evidence['not_guaranteed']['ja']}\n\n{evidence['not_guaranteed']['en']}"
    )
    return figures


def steward_figures(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return how useful a release is, and its charts before and after; counts passed the gate when they were measured."""
    steward = evidence.get("steward", {})
    utility = steward.get("utility", {})
    body: dict[str, Any] = {f"utility_{name}": _readable(utility[name]) for name in _USEFUL if name in utility}
    if utility:
        body["utility_query_error_median"] = _readable(utility["queries"]["median"])
    for figure in figures_of(steward):
        body[f"plot_{figure.about}"] = dg.MetadataValue.md(
            "\n\n".join(f"![{figure.title.ja} / {figure.title.en}]({_data_url(figure.svg[one])})" for one in _LANGUAGES)
        )
    return body


def _readable(figure: float | None) -> float | None:
    """Return a figure with four digits: more are noise to who compares two releases, and hide the point."""
    return None if figure is None else float(f"{figure:.4g}")


def _data_url(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii")


_USEFUL = (
    "precision",
    "arithmetic_loss",
    "normalized_discernibility",
    "ambiguity",
    "divergence_bits",
    "association_error",
)
_LANGUAGES: tuple[Language, ...] = ("ja", "en")


def dimension_verdicts(checks: Iterable[CheckResult]) -> dict[str, Any]:
    """Return a verdict for each quality dimension that the checks speak about; nothing for other checks."""
    spoken = verdicts(checks)
    return {
        f"dimension_{dimension.value}": "passed" if spoken[dimension] else "failed"
        for dimension in QualityDimension
        if dimension in spoken
    }
