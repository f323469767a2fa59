"""Questions of the closed vocabulary beyond counts, sums and means, and rows to ask them of."""

from collections.abc import Sequence

import ibis
import pyarrow as pa

from tests.support.dp_methods import REGIONS, Rows

Row = tuple[str, str, float | None, float | None, str]
"""Person, region, days, value, outcome."""

SCHEMA = pa.schema(
    [
        ("__person", pa.string()),
        ("region", pa.string()),
        ("days", pa.float64()),
        ("hba1c", pa.float64()),
        ("outcome", pa.string()),
    ]
)
HBA1C = {"low": "3", "high": "15", "grid": "0.1", "source": "guideline"}
DAYS = {"low": "0", "high": "100", "grid": "1", "source": "protocol"}
EDGES = {"values": ["3", "5", "7", "9", "15"], "source": "guideline"}
TIMES = {"values": ["0", "25", "50", "100"], "source": "protocol"}
STATUS = {"column": "outcome", "observed": ["died"], "censored": ["left"], "source": "codebook"}
OUTCOMES = {"column": "outcome", "values": ["died", "left"], "source": "codebook"}
DIED = {"column": "outcome", "event": ["died"], "no_event": ["left"], "source": "codebook"}
COARSE_DAYS = {**DAYS, "grid": "25"}
KEYS = {"column": "region", "values": list(REGIONS), "source": "codebook v7"}

SPECIAL: dict[str, dict[str, object]] = {
    "variance": {"value": "hba1c", "clip": HBA1C},
    "histogram": {"value": "hba1c", "edges": EDGES},
    "quantiles": {"value": "hba1c", "edges": EDGES, "probabilities": ["0.25", "0.5"]},
    "marginals": {"by": [KEYS, OUTCOMES], "marginals": [["region", "outcome"], ["region"], ["outcome"]]},
    "survival": {"value": "days", "edges": TIMES, "status": STATUS},
    "top": {"top": 2},
    "most_frequent": {"top": 2},
    "regression": {"value": "hba1c", "clip": HBA1C, "predictors": [{"column": "days", "clip": DAYS}]},
    "logistic_regression": {"outcome": DIED, "predictors": [{"column": "days", "clip": COARSE_DAYS}]},
}


def question(
    statistic: str, *, cells: int = 1, rows: int = 1, share: str = "1", **changed: object
) -> dict[str, object]:
    """Write one query of a release policy."""
    return {
        "name": statistic,
        "title": {"ja": "問い", "en": "Question"},
        "statistic": statistic,
        "table": "visits",
        "by": [KEYS],
        "bounds": {"cells_per_person": cells, "rows_per_person_per_cell": rows, "source": "protocol 4.2"},
        "rho_share": share,
        **SPECIAL.get(statistic, {}),
        **changed,
    }


def table(rows: Sequence[Row]) -> Rows:
    """Make treated rows."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SCHEMA)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return Rows(ibis.memtable(pa.table(arrays, schema=SCHEMA)))
