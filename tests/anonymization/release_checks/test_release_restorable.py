"""Nothing that could undo a protection is beside the data, by name, by content, or as a column (V15)."""

import pyarrow as pa
import pytest

from anonymization.release_checks.restorable import is_restorable, restorable_checks
from tests.support.rule_pairs import pair


def broken(*arguments, **more):
    return {check.rule for check in restorable_checks(*arguments, **more) if not check.passed}


@pytest.mark.parametrize(
    "name",
    [
        "seed",
        "rng_state",
        "date_offsets",
        "shift-days",
        "swap_map",
        "pseudonym_map",
        "noise_values",
        "HMAC_KEY",
        "salt",
    ],
)
def test_names_of_restorable_things_are_recognized(name: str) -> None:
    assert is_restorable(name)


@pytest.mark.parametrize(
    "name", ["max_shift_days", "noise", "sigma", "levels", "record_ids", "key_id", "keys", "hierarchies", "map_unit"]
)
def test_names_that_may_be_published_are_not(name: str) -> None:
    assert not is_restorable(name)


@pair(rule="DP-05", violation="V15")
@pair(rule="APPI-26", violation="V15")
def test_seed_in_the_evidence_is_refused_and_scales_of_noise_pass() -> None:
    assert broken({"evidence": {"parameters": {"queries": [{"seed": 7}]}}}, {}) == {"APPI-18", "APPI-26", "DP-05"}
    assert broken({"evidence": {"parameters": {"queries": [{"sigma": 7.0, "noise": []}]}}}, {}) == set()


@pair(rule="APPI-18", violation="V15")
def test_key_in_a_document_is_found_in_hexadecimal() -> None:
    key = bytes(range(32))
    assert broken({"manifest": {"about": f"made with {key.hex().upper()}"}}, {}, secrets=[key])
    assert broken({"manifest": {"about": "made with a key"}}, {}, secrets=[key]) == set()


def test_column_of_offsets_is_refused() -> None:
    assert broken({}, {"rows": pa.schema([("date_offset", pa.int32())])})
    assert broken({}, {"rows": pa.schema([("__niji_person", pa.string())])})
    assert broken({}, {"rows": pa.schema([("stay_days", pa.int32())])}) == set()
