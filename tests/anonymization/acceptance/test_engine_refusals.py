"""What the engine refuses instead of publishing: rows that no hierarchy knows, and columns called like its own."""

import ibis
import pyarrow as pa
import pytest

from anonymization.generalize import generalize_table
from anonymization.hierarchy import hierarchy_from_rows
from anonymization.plain import PlainRelease, anonymize
from anonymization.quasi import QuasiIdentifier
from anonymization.recoding.local import recode_locally
from policies.errors import DataError

SEXES = hierarchy_from_rows("sex", [["F", "*"], ["M", "*"]], on_unseen="suppress")
ASKED = {"k": 2, "sensitive": [], "suppression_limit": 1.0, "person": None}
ENGINES = {"global": generalize_table, "local": recode_locally}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_of_which_no_row_is_known_is_refused_with_what_to_do(engine: str) -> None:
    rows = ibis.memtable(pa.table({"sex": ["female", "female", "male"]}))
    with pytest.raises(DataError) as caught:
        ENGINES[engine](rows, quasi_identifiers=[QuasiIdentifier("sex", SEXES)], **ASKED)
    assert caught.value.code == "data.no-solution"
    assert "niji hierarchy coverage" in str(caught.value.fix)
    assert "female" not in str(caught.value)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["__niji_label_0", "__niji_of_0", "__NIJI_CODE_1", "__niji_value_0"])
def test_a_column_called_like_one_that_is_joined_is_refused(engine: str, name: str) -> None:
    # Its values were published in place of the labels: classes of fewer than k people.
    rows = ibis.memtable(pa.table({"sex": ["F", "M", "F", "M"], name: ["a", "b", "c", "d"]}))
    with pytest.raises(DataError) as caught:
        ENGINES[engine](rows, quasi_identifiers=[QuasiIdentifier("sex", SEXES)], **ASKED)
    assert caught.value.code == "data.column-reserved"


@pytest.mark.parametrize("name", ["__niji_rows", "__niji_row", "__niji_people", "__Niji_person"])
def test_a_named_column_called_like_ours_is_refused(name: str) -> None:
    table = pa.table({"sex": ["F", "M", "F", "M"], name: ["a", "b", "c", "d"]})
    with pytest.raises(DataError) as caught:
        anonymize(table, PlainRelease({"sex": SEXES}, k=2, keep=[name]))
    assert caught.value.code == "data.column-reserved"


def test_columns_that_differ_in_case_only_are_refused_together_and_taken_alone() -> None:
    table = pa.table({"sex": ["F", "M", "F", "M"], "Sex": ["a", "b", "c", "d"]})
    with pytest.raises(DataError) as caught:
        anonymize(table, PlainRelease({"sex": SEXES}, k=2, keep=["Sex"]))
    assert caught.value.code == "data.duplicate-column"
    assert anonymize(table, PlainRelease({"sex": SEXES}, k=2)).table.column_names == ["sex"]
