"""The catalog's store: published records with search, requests with their events, permits, extracts.

A typed repository over SQLAlchemy; SQLite by path, PostgreSQL by URL, the same SQL on both. Decisions are not made
here (`access.py` makes them), and nothing personal is stored beyond the ids of applicants and deciders.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError as AlreadyThere

from catalog import tables as t
from catalog.access import EventKind, Happened, Permit, Request, RequestForm, State
from catalog.database import open_engine, reading
from catalog.records import CatalogRecord
from catalog.search import FACET_VALUES, Facet, Field, Needle, fold, needles, searched_text, tokens
from policies.errors import DataError, IntegrityError, NijiError, NotPermittedError, UsageError
from policies.vocabulary import ProhibitedUse

PAGE_SIZE = 20
_FOLDED = {Field.TEXT: t.records.c.folded_text, Field.VARIABLE: t.records.c.folded_variables}


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is looked for: words anywhere, words in variables, chosen facet values; pages count from 1."""

    words: str = ""
    variable: str = ""
    facets: dict[Facet, tuple[str, ...]] = field(default_factory=dict)
    page: int = 1


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many records a facet value would leave, given the words and the other facets (records, not people)."""

    value: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of records, the number of all matches, and the facets with counts."""

    records: tuple[CatalogRecord, ...]
    total: int
    page: int
    pages: int
    facets: dict[Facet, tuple[FacetCount, ...]]


@dataclass(frozen=True, slots=True)
class ExtractEntry:
    """One extract that was built under a permit."""

    permit_id: str
    manifest_digest: str
    built_on: date
    files: int


class CatalogStore:
    """The durable memory of the catalog; `open` is the only way in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, location: Path | str) -> "CatalogStore":
        """Open the store at a SQLite path or a SQLAlchemy URL; make its tables where they are missing."""
        engine = open_engine(location)
        t.metadata.create_all(engine)
        return cls(engine)

    def close(self) -> None:
        """Close the store's connections."""
        self._engine.dispose()

    # Records

    def publish(self, record: CatalogRecord) -> None:
        """Store one version of a record and make it the current one; a repeat of the same version changes nothing.

        Raises:
            IntegrityError: That version is published with another content; a version never changes.
        """
        body = record.model_dump_json(by_alias=True)
        with self._engine.begin() as connection:
            known = connection.execute(
                select(t.records.c.key, t.records.c.body).where(
                    t.records.c.id == record.id, t.records.c.version == record.version
                )
            ).first()
            if known is not None and known.body != body:
                raise _version_changed(record)
            if known is None:
                self._insert(connection, record, body)

    def _insert(self, connection: Connection, record: CatalogRecord, body: str) -> None:
        connection.execute(update(t.records).where(t.records.c.id == record.id).values(is_current=False))
        texts = searched_text(record)
        key = connection.execute(
            insert(t.records)
            .values(
                id=record.id,
                version=record.version,
                is_current=True,
                category=record.output_category.value,
                method=record.evidence.method.value,
                health=record.health_category.value,
                issued=record.issued,
                folded_text=fold(texts[Field.TEXT]),
                folded_variables=fold(texts[Field.VARIABLE]),
                body=body,
            )
            .returning(t.records.c.key)
        ).scalar_one()
        rows = [
            {"record_key": key, "field": where.value, "token": token[:100]}
            for where, text in texts.items()
            for token in sorted(set(tokens(text)))
        ]
        connection.execute(insert(t.tokens), rows)

    def unpublish(self, record_id: str) -> int:
        """Take all versions of a record out of the catalog; return how many there were."""
        with self._engine.begin() as connection:
            keys = connection.execute(select(t.records.c.key).where(t.records.c.id == record_id)).scalars().all()
            connection.execute(delete(t.tokens).where(t.tokens.c.record_key.in_(keys)))
            connection.execute(delete(t.records).where(t.records.c.key.in_(keys)))
        return len(keys)

    def record(self, record_id: str, *, version: str | None = None) -> CatalogRecord | None:
        """Return the current (or the named) version of a record, or None."""
        query = select(t.records.c.body).where(t.records.c.id == record_id)
        query = query.where(t.records.c.version == version if version else t.records.c.is_current)
        with reading(self._engine) as connection:
            body = connection.execute(query).scalar_one_or_none()
        return CatalogRecord.model_validate_json(body) if body is not None else None

    def records(self) -> tuple[CatalogRecord, ...]:
        """Return the current version of every record, newest first."""
        query = select(t.records.c.body).where(t.records.c.is_current)
        with reading(self._engine) as connection:
            bodies = connection.execute(query.order_by(t.records.c.issued.desc(), t.records.c.id)).scalars().all()
        return tuple(CatalogRecord.model_validate_json(body) for body in bodies)

    def versions(self, record_id: str) -> tuple[str, ...]:
        """Return the versions of a record in the order they were published."""
        query = select(t.records.c.version).where(t.records.c.id == record_id).order_by(t.records.c.key)
        with reading(self._engine) as connection:
            return tuple(connection.execute(query).scalars())

    def search(self, query: SearchQuery) -> SearchResult:
        """Find current records: all words AND, values of one facet OR, facets AND each other.

        The counts of a facet ignore what is chosen in that facet itself, so that a second value can be added.
        """
        with reading(self._engine) as connection:
            matching = self._filtered(query, leave_out=None)
            total = connection.execute(select(func.count()).select_from(matching.subquery())).scalar_one()
            pages = max(1, -(-total // PAGE_SIZE))
            page = min(max(1, query.page), pages)
            ordered = matching.order_by(t.records.c.issued.desc(), t.records.c.id)
            bodies = connection.scalars(ordered.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
            facets = {facet: self._facet(connection, facet, query) for facet in Facet}
        found = tuple(CatalogRecord.model_validate_json(body) for body in bodies)
        return SearchResult(found, total, page, pages, facets)

    def _filtered(self, query: SearchQuery, *, leave_out: Facet | None) -> Select[str]:
        conditions: list[ColumnElement[bool]] = [t.records.c.is_current]
        conditions += [_has(needle, Field.TEXT) for needle in needles(query.words)]
        conditions += [_has(needle, Field.VARIABLE) for needle in needles(query.variable)]
        for facet, values in query.facets.items():
            if values and facet is not leave_out:
                conditions.append(t.records.c[facet.value].in_(values))
        return select(t.records.c.body).where(*conditions)

    def _facet(self, connection: Connection, facet: Facet, query: SearchQuery) -> tuple[FacetCount, ...]:
        column = t.records.c[facet.value]
        matching = self._filtered(query, leave_out=facet).with_only_columns(column, func.count()).group_by(column)
        counts = {str(row[0]): int(row[1]) for row in connection.execute(matching)}
        chosen = query.facets.get(facet, ())
        return tuple(
            FacetCount(value.value, counts.get(value.value, 0), value.value in chosen)
            for value in FACET_VALUES[facet]
            if value.value in counts or value.value in chosen
        )

    # Requests, permits, extracts

    def save_request(self, request: Request) -> None:
        """Store a request with its history and permit; events are only added, never changed.

        Raises:
            NotPermittedError: Somebody else moved the request meanwhile.
        """
        form = request.form
        try:
            with self._engine.begin() as connection:
                values = {
                    "release": form.release,
                    "applicant": form.applicant,
                    "state": request.state.value,
                    "form": form.model_dump_json(),
                }
                moved = connection.execute(update(t.requests).where(t.requests.c.id == request.id).values(**values))
                if moved.rowcount == 0:
                    connection.execute(insert(t.requests).values(id=request.id, **values))
                self._add_events(connection, request)
                if request.permit is not None:
                    self._save_permit(connection, request.permit)
        except AlreadyThere:
            raise _moved_meanwhile(request) from None

    def _add_events(self, connection: Connection, request: Request) -> None:
        events = select(t.request_events).where(t.request_events.c.request_id == request.id)
        stored = [_happened(row) for row in connection.execute(events.order_by(t.request_events.c.seq))]
        if tuple(stored) != request.history[: len(stored)]:
            raise _moved_meanwhile(request)
        for seq, step in enumerate(request.history[len(stored) :], start=len(stored) + 1):
            connection.execute(
                insert(t.request_events).values(
                    request_id=request.id,
                    seq=seq,
                    kind=step.kind.value,
                    actor=step.actor,
                    on=step.on,
                    before=step.before.value,
                    after=step.after.value,
                    comment=step.comment,
                )
            )

    def _save_permit(self, connection: Connection, permit: Permit) -> None:
        values = {
            "request_id": permit.request_id,
            "release": permit.release,
            "expires_on": permit.expires_on,
            "is_active": permit.is_active,
            "body": json.dumps(permit.as_json()),
        }
        known = connection.execute(update(t.permits).where(t.permits.c.id == permit.id).values(**values))
        if known.rowcount == 0:
            connection.execute(insert(t.permits).values(id=permit.id, **values))

    def request(self, request_id: str) -> Request | None:
        """Return a request with its history and permit, or None."""
        with reading(self._engine) as connection:
            row = connection.execute(select(t.requests).where(t.requests.c.id == request_id)).first()
            if row is None:
                return None
            events = select(t.request_events).where(t.request_events.c.request_id == request_id)
            history = tuple(_happened(step) for step in connection.execute(events.order_by(t.request_events.c.seq)))
            permit = connection.execute(select(t.permits).where(t.permits.c.request_id == request_id)).first()
        form = RequestForm.model_validate_json(row.form)
        return Request(row.id, form, State(row.state), history, _permit(permit) if permit is not None else None)

    def requests(self, *, state: State | None = None, applicant: str | None = None) -> tuple[Request, ...]:
        """Return requests, all or those in a state or of an applicant, by id."""
        query = select(t.requests.c.id).order_by(t.requests.c.id)
        if state is not None:
            query = query.where(t.requests.c.state == state.value)
        if applicant is not None:
            query = query.where(t.requests.c.applicant == applicant)
        with reading(self._engine) as connection:
            ids = connection.execute(query).scalars().all()
        found = (self.request(request_id) for request_id in ids)
        return tuple(request for request in found if request is not None)

    def permit(self, permit_id: str) -> Permit | None:
        """Return a permit, or None."""
        with reading(self._engine) as connection:
            row = connection.execute(select(t.permits).where(t.permits.c.id == permit_id)).first()
        return _permit(row) if row is not None else None

    def permits(self, *, usable_on: date | None = None) -> tuple[Permit, ...]:
        """Return all permits, or those that are active and whose last day is not over."""
        query = select(t.permits).order_by(t.permits.c.id)
        if usable_on is not None:
            query = query.where(t.permits.c.is_active, t.permits.c.expires_on >= usable_on)
        with reading(self._engine) as connection:
            return tuple(_permit(row) for row in connection.execute(query))

    def add_extract(self, entry: ExtractEntry) -> None:
        """Remember that an extract was built.

        Raises:
            DataError: Its permit is not known here, or the same extract is remembered already.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    insert(t.extracts).values(
                        permit_id=entry.permit_id,
                        manifest_digest=entry.manifest_digest,
                        built_on=entry.built_on,
                        files=entry.files,
                    )
                )
        except AlreadyThere:
            raise DataError(
                "catalog.extract-unknown-permit",
                what="an extract was to be remembered whose permit is unknown, or that is remembered already",
                why="every extract belongs to exactly one permit",
                fix="build it with `niji extract build`",
            ) from None

    def extracts(self, permit_id: str) -> Sequence[ExtractEntry]:
        """Return the extracts built under a permit, oldest first."""
        query = select(t.extracts).where(t.extracts.c.permit_id == permit_id).order_by(t.extracts.c.key)
        with reading(self._engine) as connection:
            return [
                ExtractEntry(row.permit_id, row.manifest_digest, row.built_on, row.files)
                for row in connection.execute(query)
            ]


def require_record(store: CatalogStore, record_id: str) -> CatalogRecord:
    """Return the current record, or refuse: what is not in the catalog cannot be asked for.

    Raises:
        UsageError: There is no such record.
    """
    record = store.record(record_id)
    if record is None:
        raise UsageError(
            "catalog.unknown-record",
            what=f"the catalog has no record '{record_id[:64]}'",
            why="only published releases are in the catalog",
            fix="see `niji catalog search` for what there is",
        )
    return record


def _has(needle: Needle, where: Field) -> ColumnElement[bool]:
    mine = (t.tokens.c.record_key == t.records.c.key) & (t.tokens.c.field == where.value)
    if not needle.is_japanese:
        return exists().where(mine & t.tokens.c.token.startswith(needle.text[:100], autoescape=True))
    pairs = [needle.text[i : i + 2] for i in range(len(needle.text) - 1)] or [needle.text]
    condition: ColumnElement[bool] = _FOLDED[where].contains(needle.text, autoescape=True)
    for pair in dict.fromkeys(pairs):
        # The pairs narrow by index; the folded text then says whether they stand together.
        condition = exists().where(mine & (t.tokens.c.token == pair)) & condition
    return condition


def _happened(row: Row[Any]) -> Happened:
    return Happened(EventKind(row.kind), row.actor, row.on, State(row.before), State(row.after), row.comment)


def _permit(row: Row[Any]) -> Permit:
    body = json.loads(row.body)
    return Permit(
        id=body["id"],
        request_id=body["request_id"],
        release=body["release"],
        release_version=body["release_version"],
        recipient=body["recipient"],
        institution=body["institution"],
        purpose=body["purpose"],
        issued_on=date.fromisoformat(body["issued_on"]),
        valid_from=date.fromisoformat(body["valid_from"]),
        expires_on=date.fromisoformat(body["expires_on"]),
        decided_by=body["decided_by"],
        key_fingerprint=body["key_fingerprint"],
        prohibited_uses=tuple(ProhibitedUse(use) for use in body["prohibited_uses"]),
        is_active=row.is_active,
    )


def _version_changed(record: CatalogRecord) -> NijiError:
    return IntegrityError(
        "catalog.version-changed",
        what=f"version {record.version} of record '{record.id}' is published with another content",
        why="who cited a version must find what was cited",
        fix="raise the version in the release policy and publish again",
    )


def _moved_meanwhile(request: Request) -> NijiError:
    return NotPermittedError(
        "access.moved-meanwhile",
        what=f"request '{request.id}' was changed by somebody else meanwhile",
        why="a decision must rest on what is there",
        fix="look at it again, then repeat",
    )
