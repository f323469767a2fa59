"""Fixtures of the catalog's tests: builders, a key store, a package, a recipient."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import catalog_builders as builders

from catalog.keys import KeyStore
from catalog.sealing import armor_public_key, read_secret_key, write_key_pair
from catalog.secret import Passphrase


@pytest.fixture(scope="session")
def build() -> Any:
    """The builders of policies, evidence, records and forms."""
    return builders


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore.open(tmp_path_factory.mktemp("home") / "keys", Passphrase("correct horse"))


@pytest.fixture(scope="session")
def recipient(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A recipient: public key bytes, its text form, the secret key."""
    name = tmp_path_factory.mktemp("recipient") / "hayashi"
    public = write_key_pair(name)

    class Recipient:
        key = public
        text = armor_public_key(public)
        secret = read_secret_key(name.with_name("hayashi.sec"))
        path = name

    return Recipient


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An unsigned package folder with two data files."""
    folder = tmp_path / "package"
    (folder / "genome").mkdir(parents=True)
    (folder / "stays.parquet").write_bytes(bytes(range(256)) * 600)
    (folder / "genome" / "cohort.vcf.gz").write_bytes(b"variants" * 9000)
    (folder / "dictionary.json").write_text("{}")
    (folder / "evidence.json").write_text("{}")
    (folder / "policy.json").write_text(json.dumps({"id": "admissions-microdata", "version": "1.0.0"}))
    (folder / "README.ja.md").write_text("公開物の説明", "utf-8")
    return folder
