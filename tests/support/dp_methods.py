"""Build differentially private methods, releases and treated rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import pyarrow as pa

from anonymization.dp.plan import DpPlan, plan
from policies.model import ReleasePolicy
from policies.model.method import DpStatistics

BOUNDING_KEY = b"a key of the tests, not a secret"
REGIONS = ("north", "south", "east")
YEARS = ("2023", "2024")
SCHEMA = pa.schema([("__person", pa.string()), ("region", pa.string()), ("year", pa.int64()), ("hba1c", pa.float64())])

Row = tuple[str | None, str | None, int | None, float | None]


@dataclass(frozen=True)
class Rows:
    """The smallest thing that has rows."""

    rows: ibis.Table


def query(
    statistic: str,
    *,
    name: str = "visits",
    cells: int = 2,
    rows: int = 2,
    by: Sequence[str] = ("region", "year"),
    share: str = "1",
    clip: Mapping[str, str] | None = None,
) -> dict[str, object]:
    keys = {"region": REGIONS, "year": YEARS}
    made: dict[str, object] = {
        "name": name,
        "title": {"ja": "受診", "en": "Visits"},
        "statistic": statistic,
        "table": "visits",
        "by": [{"column": column, "values": list(keys[column]), "source": "codebook v7"} for column in by],
        "bounds": {"cells_per_person": cells, "rows_per_person_per_cell": rows, "source": "protocol 4.2"},
        "rho_share": share,
    }
    if statistic in {"sum", "mean"}:
        clip = clip or {"low": "3", "high": "15", "grid": "0.1"}
        made |= {"value": "hba1c", "clip": {**clip, "source": "guideline"}}
    return made


def method(queries: Sequence[Mapping[str, object]], *, rho: str = "0.05", delta: str = "0.00000001") -> DpStatistics:
    return DpStatistics.model_validate(
        {
            "kind": "dp_statistics",
            "unit": "person",
            "neighbouring": "add_remove",
            "accountant": "zcdp",
            "mechanism": "discrete_gaussian",
            "budget": {
                "population": "demo",
                "population_rho_cap": "0.5",
                "release_rho": rho,
                "delta": delta,
                "period_from": "2026-01-01",
                "period_to": "2026-12-31",
                "approved_by": "board",
            },
            "queries": list(queries),
        }
    )


def planned(queries: Sequence[Mapping[str, object]], *, rho: str = "0.05", delta: str = "0.00000001") -> DpPlan:
    return plan(method(queries, rho=rho, delta=delta), policy_digest="sha256:00", snapshot_digest="sha256:11")


def visits(rows: Sequence[Row]) -> Rows:
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return Rows(ibis.memtable(pa.table(arrays, schema=SCHEMA)))


def any_release(
    method: object, *, tables: Sequence[Mapping[str, object]], category: str = "statistics"
) -> ReleasePolicy:
    """Make a release policy around a method; the rest is filler."""
    return ReleasePolicy.model_validate(
        {
            "schema": "niji/release/v1",
            "id": "some-release",
            "version": "1.0.0",
            "title": {"ja": "公表", "en": "Release"},
            "description": {"ja": "公表", "en": "Release"},
            "output_category": category,
            "provision_basis": "statistics_only",
            "rule_packs": ["appi"],
            "effective_from": "2026-01-01",
            "review_due": "2027-01-01",
            "tables": list(tables),
            "method": method,
            "quality": {"suite": "suite", "dimensions": ["completeness"]},
            "purposes": {"duo": ["DUO:0000042"], "text": {"ja": "研究", "en": "Research"}},
            "prohibited_uses": ["reidentify"],
            "recipients": [
                {"id": "PUB-1", "name": {"ja": "公", "en": "Public"}, "kind": "public", "country": "JP"},
            ],
            "delivery": ["open"],
            "retention": {"extract_months": 12, "delete_within_days": 30},
            "catalog": {"keywords": [{"ja": "鍵", "en": "key"}], "health_category": "OTHER"},
        }
    )


VISITS_TABLE = {
    "dataset": "hospital",
    "table": "visits",
    "columns": [{"name": "region", "treat": {"op": "keep", "reason": "grouping column"}, "rule": "DP-02"}],
}
