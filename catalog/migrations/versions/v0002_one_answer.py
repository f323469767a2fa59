"""The database itself keeps a question to one answer, and finds the charges of an account without reading all."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the two indices; no row changes, and no ledger that was kept by this code has two answers to a question."""
    released = sa.text("state = 'released'")
    op.create_index(
        "ledger_one_answer",
        "ledger_charges",
        ["query_hash", "snapshot"],
        unique=True,
        sqlite_where=released,
        postgresql_where=released,
    )
    op.create_index("ledger_charges_of_scope", "ledger_charge_scopes", ["scope"])
