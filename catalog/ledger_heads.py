"""The signed heads of the ledger: after each entry, the platform's signature over how many there are and the last digest.

Not here: what an entry says (`ledger_entries`), heads that are kept elsewhere (`ledger_anchor`).
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import Connection, insert, select

from catalog.keys import PublicKeys, is_signed_by
from catalog.ledger_entries import LedgerEntry, altered, heads
from catalog.manifest import canonical
from policies.canonical import pre_authentication

HEAD_TYPE = "application/vnd.niji.ledger-head.v1+json"


class Signer(Protocol):
    """Signs the head of the ledger; `catalog.keys.Signer` is one."""

    @property
    def key_id(self) -> str:
        """The id of the public key that checks the signature."""
        ...

    def sign(self, message: bytes, /) -> bytes:
        """Return the signature of `message`."""
        ...


def sign_head(connection: Connection, entry: LedgerEntry, *, signing: Signer) -> None:
    """Store the signature of the head that `entry` is."""
    signature = b64encode(signing.sign(_head_bytes(entry.seq, entry.digest))).decode("ascii")
    row = {"seq": entry.seq, "digest": entry.digest, "key_id": signing.key_id, "signature": signature}
    connection.execute(insert(heads).values(**row))


def check_heads(
    connection: Connection, known: Mapping[int, str], *, public_keys: PublicKeys, only_last: bool = False
) -> None:
    """Check the stored signatures, all or the newest, against the digests of the entries.

    Args:
        connection: The ledger, as it was when `known` was read.
        known: The digest of each entry by its number, and of nothing as number 0.
        public_keys: The keys that may sign.
        only_last: Look at the newest signature only; it covers all entries before it.

    Raises:
        IntegrityError: A signature is of no trusted key or of another entry, or the last entry has none.
    """
    query = select(heads).order_by(heads.c.seq.desc())
    last = max(known)
    rows = connection.execute(query.limit(1) if only_last else query).all()
    for row in rows:
        _check_head(row.seq, row.digest, row.key_id, row.signature, public_keys)
        if known.get(row.seq) != row.digest:
            raise altered(f"entry {row.seq} of the privacy ledger is not the one that was signed")
    if last and (not rows or rows[0].seq != last):
        raise altered(f"entry {last} of the privacy ledger has no signed head")


def _head_bytes(seq: int, digest: str) -> bytes:
    return pre_authentication(HEAD_TYPE, canonical({"entries": seq, "digest": digest}))


def _check_head(seq: int, digest: str, key_id: str, signature: str, public_keys: PublicKeys) -> None:
    public = public_keys.get(key_id)
    try:
        raw = b64decode(signature, validate=True)
    except ValueError:
        raw = b""
    if public is None or not is_signed_by(public, raw, _head_bytes(seq, digest)):
        raise altered(f"the head at entry {seq} of the privacy ledger is not signed by a trusted key")
