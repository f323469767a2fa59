"""The evidence of `niji anonymize`: what was asked, what came of it, and the recount."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.anonymize import local
from pipelines.cli.anonymize.mapping import unseen_of
from pipelines.cli.anonymize.settings import Settings
from pipelines.cli.anonymize_models import AskedModels

if TYPE_CHECKING:
    from anonymization.evidence import CheckResult
    from anonymization.generalize import Generalized
    from anonymization.recoding.local import LocallyRecoded


def evidence_of(
    result: "Generalized | LocallyRecoded", settings: Settings, checks: tuple["CheckResult", ...]
) -> dict[str, Any]:
    """Return the evidence as JSON: counts, names and digests, never a value."""
    from anonymization.generalize import Generalized
    from policies.model.sensitive import DistinctL

    return {
        "schema": "niji/anonymize-evidence/v1",
        **(_of_search(result) if isinstance(result, Generalized) else local.evidence_of(result)),
        "classes": result.classes,
        "suppressed_records": result.suppressed_records,
        "records": result.records,
        "people": result.people,
        "k": result.k_reached,
        "k_required": settings.k,
        "l_required": {model.column: model.l for model in settings.sensitive.models if isinstance(model, DistinctL)},
        "models": _models(settings.sensitive, checks),
        "risk": settings.risk.evidence(checks),
        "suppression_limit": settings.suppression_limit,
        **settings.spend.evidence(),
        "records_out": result.records - result.suppressed_records,
        "person": settings.person,
        "missing_values": "own_category",
        "columns": list(settings.kept),
        "dropped_columns": [name for name in settings.source.head.columns if name not in settings.kept],
        "table": settings.source.head.digest,
        "hierarchies": {
            name: {"file": item.file, "digest": item.digest}
            for name, item in {**settings.hierarchies, **settings.sensitive.files}.items()
        },
        "unseen_values": unseen_of(settings),
        "class_sizes": result.class_sizes.as_json(),
        "recount": [check.as_json() for check in checks],
    }


def _of_search(result: "Generalized") -> dict[str, Any]:
    """Return what only a globally recoded table has to say for itself."""
    return {
        "recoding": local.Recoding.GLOBAL.value,
        "loss": result.loss,
        "metric": result.metric,
        "node": result.node,
        "checks": result.checks,
        "gap": result.gap,
        "certificate": {
            "is_complete": result.certificate.is_complete,
            "checks": [
                {"node": list(check.node), "suppressed": check.suppressed, "loss": check.loss, "valid": check.is_valid}
                for check in result.certificate.checks
            ],
        },
    }


def _models(asked: AskedModels, checks: tuple["CheckResult", ...]) -> list[dict[str, Any]]:
    """Return each model with its parameters and what the worst class reaches, by the recount."""
    from anonymization.recount_sensitive import reached_of
    from anonymization.sensitive_models import record_of
    from policies.model.sensitive import parameters_of

    reached = reached_of(asked.models, checks)
    return [
        {
            **parameters_of(record_of(model)),
            "reached": {name: each[name] for name in each if name not in {"model", "column"}},
        }
        for model, each in zip(asked.models, reached, strict=True)
    ]


def write_evidence(path: Path, record: dict[str, object]) -> None:
    """Write the evidence whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    from pipelines.cli.table_files import write_whole

    text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    write_whole(path, lambda temporary: _write_text(temporary, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
