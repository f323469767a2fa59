"""Parquet modular encryption: every file of the restricted and the pseudonymized zone is written and read through here.

pyarrow wraps each file's data key with the deployment's storage key (AES-256-GCM); DuckDB reads through a pyarrow
dataset, because its own reader does not know wrapped keys. Source: `apache/parquet-format` Encryption.md.
"""

import base64
import secrets
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from catalog.secret import Secret
from policies.errors import IntegrityError

_KEY_NAME = "niji-storage"
_NONCE_BYTES = 12


class _Wrapper(pe.KmsClient):  # type: ignore[misc]  # pyarrow ships no types
    """Wraps data keys with one key that never leaves this process."""

    def __init__(self, key: Secret) -> None:
        pe.KmsClient.__init__(self)
        self._key = key

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        """Encrypt a data key; the name of the master key is bound to it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self._key.reveal()).encrypt(nonce, key_bytes, master_key_identifier.encode())
        return base64.b64encode(nonce + sealed)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        """Decrypt a data key."""
        raw = base64.b64decode(wrapped_key)
        try:
            return AESGCM(self._key.reveal()).decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], master_key_identifier.encode()
            )
        except InvalidTag:
            raise IntegrityError(
                "storage.wrong-key",
                what="a stored file does not open with this deployment's storage key",
                why="the file or the key was changed, or the file belongs to another deployment",
                fix="restore the key store that belongs to these zones, or run the pipeline again from the sources",
            ) from None


class Vault:
    """Opens writers and datasets of encrypted Parquet under one storage key."""

    def __init__(self, key: Secret) -> None:
        self._factory = pe.CryptoFactory(lambda _: _Wrapper(key))
        self._connection = pe.KmsConnectionConfig()

    def __repr__(self) -> str:
        return "Vault(<secret>)"

    def writer(self, path: Path, schema: pa.Schema) -> Any:
        """Return a Parquet writer whose file, footer included, is encrypted."""
        configuration = pe.EncryptionConfiguration(
            footer_key=_KEY_NAME, uniform_encryption=True, data_key_length_bits=256
        )
        properties = self._factory.file_encryption_properties(self._connection, configuration)
        return pq.ParquetWriter(path, schema, encryption_properties=properties, compression="zstd")

    def dataset(self, path: Path) -> Any:
        """Return a pyarrow dataset over one encrypted file, with projection and filter push-down."""
        decryption = ds.ParquetDecryptionConfig(self._factory, self._connection, pe.DecryptionConfiguration())
        options = ds.ParquetFragmentScanOptions(decryption_config=decryption)
        return ds.dataset(path, format=ds.ParquetFileFormat(default_fragment_scan_options=options))
