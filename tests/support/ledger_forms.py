"""Ledgers as older versions of Niji wrote them: their own tables, one answered charge, signed heads."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import insert, text

import catalog
from catalog.database import open_engine
from catalog.keys import PublicKey, Signer
from catalog.ledger_entries import GENESIS, EntryKind, entries, make_entry
from catalog.ledger_heads import sign_head
from catalog.ledger_views import LedgerHead

SCOPE = "population/demo/lifetime"
_ABOUT = {"query_hash": "q1", "snapshot": "s1", "release": "numbers"}
_BODIES = (
    (EntryKind.CAP, {"scope": SCOPE, "cap_micro": 500_000, "by": "release numbers", "reason": "first charge"}),
    (EntryKind.CHARGE, {"charge_id": "c1", **_ABOUT, "scopes": {SCOPE: 50_000}}),
    (EntryKind.RELEASE, {"charge_id": "c1", "answer_digest": "sha256:a"}),
)
_ROWS = (
    f"INSERT INTO ledger_budgets VALUES ('{SCOPE}', 500000, 50000)",
    "INSERT INTO ledger_charges VALUES ('c1', 'q1', 's1', 'numbers', 'released', 'sha256:a')",
    f"INSERT INTO ledger_charge_scopes VALUES ('c1', '{SCOPE}', 50000)",
)


def signer() -> Signer:
    """Return a signer with a new key."""
    private = Ed25519PrivateKey.generate()
    return Signer(PublicKey.of("ed25519", private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)), private)


def old_ledger(location: Path | str, form: str, *, signing: Signer) -> LedgerHead:
    """Write a ledger in an older form, `unnumbered` or the number of its form, and return its head."""
    config = Config()
    config.set_main_option("script_location", str(Path(catalog.__file__).parent / "migrations"))
    with open_engine(location).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001" if form == "unnumbered" else form)
        if form == "unnumbered":
            connection.execute(text("DROP TABLE ledger_version"))
        previous = GENESIS
        for number, (kind, body) in enumerate(_BODIES, start=1):
            entry = make_entry(number, "2026-11-01T00:00:00.000+00:00", kind, body, previous=previous)
            connection.execute(insert(entries).values(**entry.as_row()))
            sign_head(connection, entry, signing=signing)
            previous = entry.digest
        for row in _ROWS:
            connection.execute(text(row))
    return LedgerHead(len(_BODIES), previous)
