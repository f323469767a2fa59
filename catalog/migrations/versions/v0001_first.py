"""The tables as they were before steps were numbered; a ledger of that time is taken to be here."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ledger_entries",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(80), nullable=False, unique=True),
    )
    op.create_table(
        "ledger_budgets",
        sa.Column("scope", sa.String(200), primary_key=True),
        sa.Column("cap_micro", sa.BigInteger, nullable=False),
        sa.Column("spent_micro", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "ledger_charges",
        sa.Column("charge_id", sa.String(40), primary_key=True),
        sa.Column("query_hash", sa.String(80), nullable=False, index=True),
        sa.Column("snapshot", sa.String(80), nullable=False),
        sa.Column("release", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("answer_digest", sa.String(80)),
    )
    op.create_table(
        "ledger_charge_scopes",
        sa.Column("charge_id", sa.String(40), primary_key=True),
        sa.Column("scope", sa.String(200), primary_key=True),
        sa.Column("amount_micro", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "ledger_heads",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("key_id", sa.String(80), nullable=False),
        sa.Column("signature", sa.String(200), nullable=False),
    )
