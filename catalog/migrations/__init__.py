"""The forms that the privacy ledger's tables had, and the steps between them, for Alembic."""
