"""A policy of synthetic people over two small tables: people and their visits."""

from collections.abc import Mapping
from typing import Any

import ibis
import pyarrow as pa

from policies.model import ReleasePolicy
from policies.model.synthetic import DpSynthetic
from tests.support.dp_methods import Rows, any_release

SAID = {"at_most": "1.9", "source": "protocol 9"}
BUDGET = {
    "population": "demo",
    "population_rho_cap": "1",
    "release_rho": "0.5",
    "delta": "0.00000001",
    "period_from": "2026-01-01",
    "period_to": "2026-12-31",
    "approved_by": "board",
}
VISITS = {
    "kind": "numbers",
    "column": "visits",
    "title": {"ja": "受診回数", "en": "visits"},
    "edges": ["0", "1", "3"],
    "grid": "1",
    "source": "protocol 4",
    "feature": {"table": "visits", "of": "rows"},
}
HAS = {
    "kind": "labels",
    "column": "has_x",
    "title": {"ja": "Xの有無", "en": "has X"},
    "values": ["no", "yes"],
    "source": "ICD-10",
    "feature": {"table": "visits", "of": "has", "value": "code", "codes": ["x"]},
}
SEX = {"kind": "labels", "column": "sex", "values": ["f", "m"], "source": "codebook v7"}
AGE = {"kind": "numbers", "column": "age", "edges": ["0", "18", "50", "110"], "grid": "1", "source": "protocol 4"}
METHOD: Mapping[str, Any] = {
    "kind": "dp_synthetic",
    "unit": "person",
    "neighbouring": "add_remove",
    "accountant": "zcdp",
    "mechanism": "discrete_gaussian",
    "budget": BUDGET,
    "name": "made-up",
    "title": {"ja": "架空の人", "en": "Made-up people"},
    "table": "people",
    "columns": [SEX, AGE, VISITS, HAS],
    "cliques": [["sex", "age"], ["visits", "has_x"]],
    "cliques_source": "protocol 4",
    "columns_share": "0.4",
    "cliques_share": "0.4",
    "acceptance_share": "0.2",
    "acceptance": [{"criterion": "marginals", "groups": [["sex", "age"]], **SAID}],
}
_TABLES = [
    {
        "dataset": "clinic",
        "table": table,
        "columns": [{"name": name, "treat": {"op": "aggregate_only"}, "rule": "DP-02"} for name in names],
    }
    for table, names in (("people", ("sex", "age")), ("visits", ("code", "year")))
]


def asked(**changes: object) -> DpSynthetic:
    return DpSynthetic.model_validate({**METHOD, **changes})


def release_of(**changes: object) -> ReleasePolicy:
    return any_release({**METHOD, **changes}, tables=_TABLES, category="synthetic")


def treated(people: list[tuple[str, str, float]], visits: list[tuple[str | None, str, str]]) -> dict[str, Rows]:
    """Return both tables: people with sex and age, visits with a code and the text of a year."""
    shape = (("people", people, ("sex", "age"), pa.float64()), ("visits", visits, ("code", "year"), pa.string()))
    return {name: Rows(ibis.memtable(_table(rows, columns, last))) for name, rows, columns, last in shape}


def _table(rows: list[Any], columns: tuple[str, ...], last: pa.DataType) -> pa.Table:
    kinds = (pa.string(), pa.string(), last)
    found = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    arrays = [pa.array(values, kind) for values, kind in zip(found, kinds, strict=True)]
    return pa.table(arrays, names=["__person", *columns])
