"""The tables of the catalog's database; what each row means. Queries are in `store.py`.

Only portable types: the same definitions run on SQLite and PostgreSQL. Bodies are JSON text of the frozen models, so
that a record reads back as it was published.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

records = Table(
    "records",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False),
    Column("version", String(32), nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("category", String(40), nullable=False),
    Column("method", String(40), nullable=False),
    Column("health", String(40), nullable=False),
    Column("issued", Date, nullable=False),
    Column("folded_text", Text, nullable=False),
    Column("folded_variables", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("id", "version"),
)
tokens = Table(
    "record_tokens",
    metadata,
    Column("record_key", ForeignKey("records.key", ondelete="CASCADE"), primary_key=True),
    Column("field", String(10), primary_key=True),
    Column("token", String(100), primary_key=True),
    Index("record_tokens_by_token", "field", "token"),
)
requests = Table(
    "requests",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("release", String(64), nullable=False, index=True),
    Column("applicant", String(100), nullable=False, index=True),
    Column("state", String(12), nullable=False, index=True),
    Column("form", Text, nullable=False),
)
request_events = Table(
    "request_events",
    metadata,
    Column("request_id", ForeignKey("requests.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(12), nullable=False),
    Column("actor", String(100), nullable=False),
    Column("on", Date, nullable=False),
    Column("before", String(12), nullable=False),
    Column("after", String(12), nullable=False),
    Column("comment", Text, nullable=False),
)
permits = Table(
    "permits",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("request_id", ForeignKey("requests.id"), nullable=False, unique=True),
    Column("release", String(64), nullable=False, index=True),
    Column("expires_on", Date, nullable=False, index=True),
    Column("is_active", Boolean, nullable=False),
    Column("body", Text, nullable=False),
)
questions = Table(
    "questions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("request_id", ForeignKey("requests.id"), nullable=False, index=True),
    Column("owner", String(60), nullable=False, index=True),
    Column("asked_on", Date, nullable=False),
    Column("body", Text, nullable=False),
    Column("sealed_answer", Text, nullable=True),
    Column("answered_on", Date, nullable=True),
)
extracts = Table(
    "extracts",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=True),
    Column("permit_id", ForeignKey("permits.id"), nullable=False, index=True),
    Column("manifest_digest", String(80), nullable=False, unique=True),
    Column("built_on", Date, nullable=False),
    Column("files", Integer, nullable=False),
)
