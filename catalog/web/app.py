"""The portal's addresses: list and search, dataset pages, downloads, about, health.

    /ja/ /en/                                   list and search; all state is in the query string
    /{language}/datasets/{id}                   one dataset
    /{language}/about                           what this is
    /{language}/budget                          the privacy accounts: what is spent of their caps, over time
    /datasets/{id}                              the dataset's own address: leads to the page, or to RDF by Accept
    /datasets/{id}.ttl .jsonld .rdf             one record as DCAT;  /catalog.ttl … all of them
    /datasets/{id}/request-form.json            the form, made out for the release
    /datasets/{id}/files/{version}/{path}       files of open releases only
    /datasets/{id}/dossier                      leads to the dossier's page
    /{language}/datasets/{id}/dossier           what answers for the release, and its downloads
    /datasets/{id}/dossier/{version}/{path}     a file of the dossier; /datasets/{id}/dossier/{version}.zip all of it
    … further those of questions, where questions are taken (`questions.py`)
    /healthz

The portal reads the store, the ledger and the released zone. It writes data requests with their questions, and nothing else.
Not here: HTML (`templates/`), words (`messages.py`).
"""

import json
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint

from catalog.access import blank_form
from catalog.dcat import BASE, RdfFormat, export
from catalog.dossier_folder import files_of, folder_of_dossier, read_dossier, zip_dossier
from catalog.dossier_page import page_policy
from catalog.dp_card_files import CHECKLIST
from catalog.ledger_place import LedgerPlace
from catalog.records import CatalogRecord, HealthCategory
from catalog.search import FACET_VALUES, Facet
from catalog.store import CatalogStore, SearchQuery
from catalog.web.accounts import shown_accounts
from catalog.web.questions import Questions, add_question_pages, answers_questions
from catalog.web.rendering import SECURITY_HEADERS, STATIC, Language, preferred_language, query_string, render
from catalog.wording import MethodKind
from policies.vocabulary import Labelled, OutputCategory

_RDF = {
    "ttl": (RdfFormat.TURTLE, "text/turtle"),
    "jsonld": (RdfFormat.JSON_LD, "application/ld+json"),
    "rdf": (RdfFormat.XML, "application/rdf+xml"),
}
_READ = ["GET", "HEAD"]
Portal = FastAPI
"""What a web server runs."""


def create_app(
    store: CatalogStore,
    *,
    released: Path,
    public_url: str | None = None,
    ledger: LedgerPlace | None = None,
    questions: Questions | None = None,
) -> FastAPI:
    """Return the portal over a store.

    Args:
        store: Where the records are.
        released: The released zone, `zones/released`; only files of open releases are served from it.
        public_url: The portal's own address from outside, such as `https://data.example.jp`; dataset addresses in
            the RDF hang below it. Without it they are URNs.
        ledger: Where the privacy ledger lies; without it the page of accounts is empty.
        questions: What takes questions; without it none are taken.
    """
    app = FastAPI(title="Niji", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    portal = _Portal(store, released.resolve(), public_url, ledger)
    portal.takes_questions = questions is not None
    if questions is not None:
        # Before the other pages: `/{language}/questions` is no page of theirs.
        add_question_pages(app, store, released=released.resolve(), questions=questions)
    for path, page in (
        ("/", portal.root),
        ("/healthz", portal.health),
        ("/catalog.{kind}", portal.catalog_rdf),
        ("/datasets/{record_id}/request-form.json", portal.request_form),
        ("/datasets/{record_id}/files/{version}/{path:path}", portal.file),
        ("/datasets/{record_id}/dossier", portal.dossier_address),
        ("/datasets/{record_id}/dossier/{version}.zip", portal.dossier_zip),
        ("/datasets/{record_id}/dossier/{version}/{path:path}", portal.dossier_file),
        ("/datasets/{record_id}.{kind}", portal.dataset_rdf),
        ("/datasets/{record_id}", portal.address),
        ("/{language}/", portal.listing),
        ("/{language}/about", portal.about),
        ("/{language}/budget", portal.budget),
        ("/{language}/datasets/{record_id}", portal.dataset),
        ("/{language}/datasets/{record_id}/dossier", portal.dossier),
    ):
        app.api_route(path, methods=_READ, response_model=None)(page)
    app.middleware("http")(_guard)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(RequestValidationError)(_unreadable)
    app.exception_handler(Exception)(_failure)
    return app


class _Portal:
    """The pages; each method answers one address."""

    def __init__(self, store: CatalogStore, released: Path, public_url: str | None, ledger: LedgerPlace | None) -> None:
        self.ledger = ledger
        self.store = store
        self.released = released
        self.takes_questions = False
        self.base = f"{public_url.rstrip('/')}/datasets/" if public_url else BASE

    def root(self, request: Request) -> Response:
        language = preferred_language(request.headers.get("accept-language", ""))
        return RedirectResponse(f"/{language.value}/", status_code=302, headers={"Vary": "Accept-Language"})

    def health(self) -> JSONResponse:
        return JSONResponse({"status": "ok", "records": len(self.store.records())})

    def listing(
        self,
        language: Language,
        q: Annotated[str, Query(max_length=200)] = "",
        variable: Annotated[str, Query(max_length=200)] = "",
        category: Annotated[list[OutputCategory] | None, Query()] = None,
        method: Annotated[list[MethodKind] | None, Query()] = None,
        health: Annotated[list[HealthCategory] | None, Query()] = None,
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    ) -> HTMLResponse:
        chosen = {Facet.OUTPUT_CATEGORY: category, Facet.METHOD: method, Facet.HEALTH_CATEGORY: health}
        facets = {facet: tuple(value.value for value in values or ()) for facet, values in chosen.items()}
        query = SearchQuery(words=q, variable=variable, facets=facets, page=page)
        result = self.store.search(query)
        state = [("q", q), ("variable", variable)]
        state += [(facet.value, value) for facet, values in facets.items() for value in values]
        context = {
            "query": query,
            "result": result,
            "facet_labels": _facet_labels(),
            "is_narrowed": bool(query_string(state)),
            "previous": query_string([*state, ("page", str(result.page - 1))]) if result.page > 1 else "",
            "next": query_string([*state, ("page", str(result.page + 1))]) if result.page < result.pages else "",
        }
        return HTMLResponse(render("list.html", language, path=f"/{query_string(state)}", context=context))

    def about(self, language: Language) -> HTMLResponse:
        return HTMLResponse(render("about.html", language, path="/about", context={"methods": tuple(MethodKind)}))

    def budget(self, language: Language) -> HTMLResponse:
        accounts = shown_accounts(self.ledger, language=language.value)
        return HTMLResponse(render("budget.html", language, path="/budget", context={"accounts": accounts}))

    def dataset(self, language: Language, record_id: str, version: str | None = None) -> HTMLResponse:
        record = self._record(record_id, version)
        files = files_of(self._dossier_folder(record))
        context = {
            "record": record,
            "versions": self.store.versions(record.id),
            "has_dossier": bool(files),
            "has_card": CHECKLIST in files,
            "answers": self.takes_questions and answers_questions(self.released, record),
        }
        return HTMLResponse(render("dataset.html", language, path=f"/datasets/{record.id}", context=context))

    def dossier(self, language: Language, record_id: str, version: str | None = None) -> HTMLResponse:
        record = self._record(record_id, version)
        folder = self._dossier_folder(record)
        files = files_of(folder)
        if not files:
            raise HTTPException(404)
        context = {"record": record, "dossier": read_dossier(folder), "files": sorted(files)}
        return HTMLResponse(render("dossier.html", language, path=f"/datasets/{record.id}/dossier", context=context))

    def dossier_file(self, record_id: str, version: str, path: str) -> FileResponse:
        folder = self._dossier_folder(self._record(record_id, version))
        # The path must be one that the dossier's manifest lists: nothing else of the zone can be asked for.
        target = (folder / path).resolve()
        if path not in files_of(folder) or not target.is_relative_to(self.released) or not target.is_file():
            raise HTTPException(404)
        if target.suffix == ".html":
            policy = page_policy(target.read_text("utf-8"))
            return FileResponse(target, media_type="text/html", headers={"Content-Security-Policy": policy})
        shown = {".json": "application/json", ".txt": "text/plain; charset=utf-8"}.get(target.suffix)
        return FileResponse(target, filename=target.name, media_type=shown or "application/octet-stream")

    def dossier_address(self, request: Request, record_id: str) -> Response:
        record = self._record(record_id)
        language = preferred_language(request.headers.get("accept-language", ""))
        target = f"/{language.value}/datasets/{record.id}/dossier"
        return RedirectResponse(target, status_code=303, headers={"Vary": "Accept-Language"})

    def dossier_zip(self, record_id: str, version: str) -> Response:
        folder = self._dossier_folder(self._record(record_id, version))
        if not files_of(folder):
            raise HTTPException(404)
        headers = {"Content-Disposition": f'attachment; filename="{record_id}-{version}-dossier.zip"'}
        return Response(zip_dossier(folder), media_type="application/zip", headers=headers)

    def _dossier_folder(self, record: CatalogRecord) -> Path:
        return folder_of_dossier(self.released, record.release, record.version)

    def address(self, request: Request, record_id: str) -> Response:
        """Answer a dataset's own address: the page for people, RDF for who asks for it."""
        record = self._record(record_id)
        accept = request.headers.get("accept", "")
        kind = next((kind for kind, (_, media_type) in _RDF.items() if media_type in accept), None)
        language = preferred_language(request.headers.get("accept-language", ""))
        target = f"/datasets/{record.id}.{kind}" if kind else f"/{language.value}/datasets/{record.id}"
        return RedirectResponse(target, status_code=303, headers={"Vary": "Accept, Accept-Language"})

    def dataset_rdf(self, record_id: str, kind: str) -> Response:
        return self._rdf([self._record(record_id)], kind)

    def catalog_rdf(self, kind: str) -> Response:
        return self._rdf(list(self.store.records()), kind)

    def request_form(self, record_id: str) -> Response:
        record = self._record(record_id)
        body = json.dumps(blank_form(record.release, record.version), ensure_ascii=False, indent=2)
        headers = {"Content-Disposition": f'attachment; filename="request-{record.id}.json"'}
        return Response(body + "\n", media_type="application/json", headers=headers)

    def file(self, record_id: str, version: str, path: str) -> FileResponse:
        record = self._record(record_id, version)
        # The path must be one that the record lists: nothing else of the zone can be asked for.
        if not record.is_open or path not in {file.path for file in record.files}:
            raise HTTPException(404)
        target = (self.released / record.release / record.version / path).resolve()
        if not target.is_relative_to(self.released) or not target.is_file():
            raise HTTPException(404)
        return FileResponse(target, filename=target.name, media_type="application/octet-stream")

    def _record(self, record_id: str, version: str | None = None) -> CatalogRecord:
        record = self.store.record(record_id, version=version)
        if record is None:
            raise HTTPException(404)
        return record

    def _rdf(self, records: list[CatalogRecord], kind: str) -> Response:
        if kind not in _RDF:
            raise HTTPException(404)
        rdf_format, media_type = _RDF[kind]
        return PlainTextResponse(export(records, rdf_format=rdf_format, base=self.base), media_type=media_type)


async def _guard(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Send `?lang=` to the page in that language, and put the security headers on every answer."""
    language, parts = request.query_params.get("lang"), request.url.path.split("/", 2)
    if language in set(Language) and len(parts) == 3 and parts[1] in set(Language):
        rest = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
        response: Response = RedirectResponse(f"/{language}/{parts[2]}{query_string(rest)}", status_code=302)
    else:
        response = await call_next(request)
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "max-age=3600" if parts[1] == "static" else "no-cache")
    return response


def _error(request: Request, status: int) -> HTMLResponse:
    first = request.url.path.split("/", 2)[1]
    known = first in set(Language)
    language = Language(first) if known else preferred_language(request.headers.get("accept-language", ""))
    shown = status if status in {400, 404} else 500
    page = render("error.html", language, path="/", context={"status": shown})
    return HTMLResponse(page, status_code=status, headers=dict(SECURITY_HEADERS))


async def _http_error(request: Request, error: Exception) -> Response:
    return _error(request, error.status_code if isinstance(error, HTTPException) else 500)


async def _unreadable(request: Request, _error_found: Exception) -> Response:
    # A language that is none is a page that is none; other values are unreadable conditions.
    known = request.url.path.split("/", 2)[1] in set(Language)
    return _error(request, 400 if known else 404)


async def _failure(request: Request, _error_found: Exception) -> Response:
    return _error(request, 500)


def _facet_labels() -> dict[str, dict[str, Labelled]]:
    return {facet.value: {value.value: value for value in FACET_VALUES[facet]} for facet in Facet}
