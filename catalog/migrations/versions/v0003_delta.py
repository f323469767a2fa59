"""δ of thresholds beside ρ: what an account has spent of it, and its cap where one is declared. No entry changes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; whatever was charged before drew no threshold, so its δ is 0."""
    op.add_column("ledger_budgets", sa.Column("delta_cap_units", sa.BigInteger))
    op.add_column(
        "ledger_budgets", sa.Column("delta_spent_units", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.add_column(
        "ledger_charge_scopes", sa.Column("delta_units", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
