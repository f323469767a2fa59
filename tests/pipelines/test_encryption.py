"""Encrypted Parquet: unreadable without the key, a coded refusal with the wrong one, the same rows with the right one."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.secret import Secret
from pipelines.encryption import Vault
from policies.errors import IntegrityError

KEY = Secret(b"k" * 32)
CANARY = "架空カナリア太郎"
ROWS = pa.table(
    {
        "name": pa.array([CANARY] * 50, pa.string()),
        "gt": pa.array([bytes([0, 1, 255])] * 50, pa.binary(3)),
        "alts": pa.array([["A", "TTTTGGGGCCCC"]] * 50, pa.list_(pa.string())),
    }
)


def stored(folder: Path, rows: pa.Table = ROWS, *, key: Secret = KEY) -> Path:
    path = folder / "rows.parquet"
    with Vault(key).writer(path, rows.schema) as writer:
        writer.write_table(rows)
    return path


def read(path: Path, *, key: Secret = KEY) -> pa.Table:
    return Vault(key).dataset(path).to_table()


def test_no_name_or_value_is_in_the_file(tmp_path: Path) -> None:
    content = stored(tmp_path).read_bytes()
    for part in (CANARY.encode(), b"name", b"alts", b"TTTTGGGGCCCC", KEY.reveal()):
        assert part not in content
    # The footer is sealed too: the magic number of a file whose footer may be read is PAR1.
    assert (content[:4], content[-4:]) == (b"PARE", b"PARE")


def test_other_readers_cannot_read_it(tmp_path: Path) -> None:
    path = stored(tmp_path)
    with pytest.raises(OSError, match="decryption"):
        pq.read_table(path)
    with pytest.raises(duckdb.Error), duckdb.connect() as engine:
        engine.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()


def test_wrong_key_is_a_coded_refusal(tmp_path: Path) -> None:
    path = stored(tmp_path)
    with pytest.raises(IntegrityError) as refused:
        read(path, key=Secret(b"x" * 32))
    assert refused.value.code == "storage.wrong-key"
    assert refused.value.__suppress_context__


def test_file_of_another_vault_with_the_same_key_opens(tmp_path: Path) -> None:
    assert read(stored(tmp_path), key=Secret(b"k" * 32)) == ROWS


def test_altered_file_does_not_open(tmp_path: Path) -> None:
    path = stored(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises((OSError, IntegrityError)) as refused:
        read(path)
    assert CANARY not in str(refused.value)


def test_two_files_of_the_same_rows_differ(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert stored(tmp_path / "a").read_bytes() != stored(tmp_path / "b").read_bytes()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.none() | st.text(), min_size=1, max_size=20),
    calls=st.binary(min_size=4, max_size=4),
    width=st.integers(1, 4),
)
def test_what_is_read_is_what_was_written(tmp_path: Path, texts: list[str | None], calls: bytes, width: int) -> None:
    rows = pa.table(
        {
            "text": pa.array(texts, pa.string()),
            "gt": pa.array([calls[:width]] * len(texts), pa.binary(width)),
            "alts": pa.array([texts] * len(texts), pa.list_(pa.string())),
            "none": pa.array([None] * len(texts), pa.date32()),
        }
    )
    again = read(stored(tmp_path, rows))
    assert again == rows
    assert again.schema == rows.schema


def test_columns_are_read_alone_and_rows_filtered(tmp_path: Path) -> None:
    dataset = Vault(KEY).dataset(stored(tmp_path))
    assert dataset.to_table(columns=["gt"]).column_names == ["gt"]
    assert dataset.count_rows() == 50


def test_vault_does_not_print_its_key() -> None:
    assert repr(Vault(KEY)) == "Vault(<secret>)"
