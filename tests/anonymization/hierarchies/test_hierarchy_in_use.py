"""Every kind of hierarchy goes through the search, local recoding and the independent recount, whatever values come."""

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymization.generalize import generalize_table
from anonymization.hierarchies.mapping import apply_mapping, mapped_column, mapping_record, read_mapping
from anonymization.hierarchy import Hierarchy
from anonymization.quasi import QuasiIdentifier
from anonymization.recoding.local import recode_locally
from anonymization.recount import SourceRows, recount
from tests.support.hierarchies import built, hierarchy_policy

VALUES = {
    "calendar": ({"kind": "calendar", "first_year": 2019, "last_year": 2020, "steps": ["month", "fiscal_year"]}, ["2019-03-31", "2019-04-01", "2020-01-05", "2020-12-31"]),
    "ranges": ({"kind": "ranges", "numbers": "decimal", "cuts": ["0", "2.5", "5"], "repeats": [2], "above": "code"}, ["0.1", "2.50", "2.5", "4", "77"]),
    "order": ({"kind": "order", "values": ["I", "II", "III", "IV"], "fan_outs": [2]}, ["I", "II", "III", "IV"]),
    "redaction": ({"kind": "redaction", "length": 4, "hidden": [1, 3], "alphabet": 10}, ["1234", "1239", "1299", "9999"]),
    "frequency": ({"kind": "frequency", "counts": {"A": 4, "O": 3, "B": 2}, "keep": [2, 1], "counted_in": "public_statistics"}, ["A", "O", "B"]),
    "ages": ({"kind": "ages", "steps": ["five_year", "life_stage"], "top_from": 90}, ["3", "7", "64", "91", "99"]),
    "postal_code": ({"kind": "postal_code", "steps": ["digits_3", "prefecture", "region"]}, ["6180001", "618-0001", "6000000", "1000001"]),
    "municipality": ({"kind": "municipality", "steps": ["city", "prefecture", "region"]}, ["01101", "011029", "01202", "13101"]),
    "address": ({"kind": "address", "steps": ["city", "prefecture"]}, ["東京都府中市1", "東京都千代田区2", "北海道余市郡余市町3"]),
    "codes": ({"kind": "codes", "system": "icd9cm"}, ["25001", "250.01", "250.1", "401", "V45"]),
    "icd10": ({"kind": "icd10"}, ["E119", "E11.9", "A90", "I10"]),
}  # fmt: skip


def sources(hierarchy: Hierarchy, rows: ibis.Table, levels: dict[str, int] | None) -> SourceRows:
    return SourceRows(rows, row_id="row", hierarchies={"value": hierarchy}, levels=levels)


@pytest.mark.parametrize("kind", sorted(VALUES))
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_what_is_published_covers_its_source_and_holds_k(kind: str, data: st.DataObject) -> None:
    levels, values = VALUES[kind]
    held = data.draw(st.lists(st.sampled_from([*values, "unseen!!", None]), min_size=4, max_size=14))
    hierarchy = built(levels, "other")
    table = pa.table({"row": list(range(len(held))), "value": pa.array(held, pa.string())})
    rows = ibis.memtable(table)
    asked = {"quasi_identifiers": [QuasiIdentifier("value", hierarchy)], "k": 2, "sensitive": [], "person": None}
    result = generalize_table(rows, **asked, suppression_limit=0.5)
    published = result.rows.to_pyarrow()
    checks = recount(ibis.memtable(published), quasi_identifiers=["value"], k=2, source=sources(hierarchy, rows, result.node))  # fmt: skip
    assert [check.what for check in checks if not check.passed] == []

    # The exported mapping makes the same labels of the same rows.
    column = mapped_column("value", hierarchy, level=result.node["value"], hierarchy_digest="sha256:" + "0" * 64, policy=hierarchy_policy(levels, "other"))  # fmt: skip
    mapping = read_mapping(mapping_record((column,), release="sha256:" + "0" * 64))
    applied = apply_mapping(table, mapping, beside=["row"]).table.to_pydict()
    by_row = dict(zip(applied["row"], applied["value"], strict=True))
    assert {row["row"]: row["value"] for row in published.to_pylist()}.items() <= by_row.items()


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_local_recoding_takes_every_kind(kind: str) -> None:
    levels, values = VALUES[kind]
    hierarchy = built(levels, "other")
    held = [*values * 3, "unseen!!", "unseen??"]
    rows = ibis.memtable(pa.table({"row": list(range(len(held))), "value": held}))
    asked = [QuasiIdentifier("value", hierarchy)]
    result = recode_locally(rows, quasi_identifiers=asked, k=2, sensitive=[], suppression_limit=0.0, person=None)
    checks = recount(result.rows, quasi_identifiers=["value"], k=2, source=sources(hierarchy, rows, None))
    assert [check.what for check in checks if not check.passed] == []
