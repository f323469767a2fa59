"""The desk: what happens to requests and permits, with store and audit log kept in step.

Every act is one pure decision (`access.py`, `policies/decision`), one write to the store and one entry in the audit log;
the entry is written first, so that nothing happens unlogged. Not here: the decisions themselves, and who is logged in.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog.access import (
    Actor,
    Event,
    EventKind,
    Permit,
    Request,
    RequestForm,
    Role,
    State,
    amend,
    apply_event,
    draft,
    require_usable,
)
from catalog.audit import AuditLog
from catalog.extracts import Extract, SealTo, build_extract
from catalog.keys import KeyStore
from catalog.records import CatalogRecord
from catalog.sealing import parse_public_key
from catalog.store import CatalogStore, ExtractEntry, require_record
from catalog.wording import MethodKind
from policies.canonical import digest
from policies.decision.decide import decide as decide_request
from policies.decision.mondo import Diseases
from policies.decision.mondo_files import shipped_diseases
from policies.decision.verdict import Decision
from policies.decision.view import Circumstances
from policies.errors import NotPermittedError, PolicyError, UsageError
from policies.library import PolicyLibrary

SYSTEM = Actor("system", frozenset({Role.SYSTEM}))


@dataclass(frozen=True, slots=True)
class Desk:
    """The store of requests and the audit log, used together."""

    store: CatalogStore
    audit: AuditLog

    def submit(self, form: RequestForm, *, on: date, returned: str | None = None, comment: str = "") -> Request:
        """Take in a form from its applicant: a new request, or a returned one again.

        Args:
            form: What the applicant wrote; the command line's operator vouches for who that is.
            on: Today.
            returned: The id of a returned request that this form mends.
            comment: What is written beside the submission.

        Raises:
            UsageError: The catalog has no such release or request.
            NotPermittedError: The request is not the applicant's, or not returned.
        """
        require_record(self.store, form.release)
        request = (
            amend(self.request(returned), form)
            if returned
            else draft(f"request-{on.year}-{secrets.token_hex(4)}", form)
        )
        applicant = Actor(form.applicant, frozenset({Role.RESEARCHER}))
        return self._apply(request, Event(EventKind.SUBMIT, applicant, on, comment))

    def decide(
        self,
        request_id: str,
        event: Event,
        *,
        library: PolicyLibrary | None = None,
        circumstances: Circumstances | None = None,
    ) -> Request:
        """Let somebody move a request; an approval is held against the release policy as it was published.

        What the policy refuses, nobody can approve; what it cannot know, the approval must say (see `judge`).

        Raises:
            NotPermittedError: The event is not allowed (see `access.apply_event`).
            PolicyError: The library's policy is not the one the catalog published, or is not there.
        """
        request = self.request(request_id)
        decision = None
        if event.kind is EventKind.APPROVE and library is not None:
            decision = self.judge(request, library, on=event.on, circumstances=circumstances)
        return self._apply(request, event, decision=decision)

    def judge(
        self,
        request: Request,
        library: PolicyLibrary,
        *,
        on: date,
        diseases: Diseases | None = None,
        circumstances: Circumstances | None = None,
    ) -> Decision:
        """Return what the release policy and its rule packs say of a request.

        Args:
            request: The request.
            library: The policies; the release must be as it was published.
            on: The day of the decision.
            diseases: What is known of diseases; the table that ships with Niji if not given.
            circumstances: What only the platform knows.

        Raises:
            PolicyError: The policy is not the one that the record in the catalog names by its digest, or is not there.
        """
        record = require_record(self.store, request.form.release)
        release = library.release(request.form.release)
        if digest(release) != record.policy_digest:
            raise PolicyError(
                "access.policy-changed",
                what=f"the policy of release '{release.id}' is not the one that was published",
                why="a request is judged by the policy under which the data were made",
                fix="publish the release again, or give the policy file of the published version",
            )
        return decide_request(
            request.form.request,
            release,
            library=library,
            on=on,
            diseases=diseases or shipped_diseases(),
            circumstances=circumstances,
        )

    def expire(self, *, on: date) -> tuple[Request, ...]:
        """Let every permit end whose last day is over; for the daily sensor."""
        approved = self.store.requests(state=State.APPROVED)
        over = [request for request in approved if request.permit is not None and request.permit.expires_on < on]
        return tuple(self._apply(request, Event(EventKind.EXPIRE, SYSTEM, on)) for request in over)

    def deliver(self, permit_id: str, *, package: Path, keys: KeyStore, outbox: Path, on: date) -> Extract:
        """Build the extract of a permit from its release's package, and remember it.

        Raises:
            NotPermittedError: The permit does not hold today, or is for statistics only.
            DataError, IntegrityError: See `extracts.build_extract`.
        """
        permit = self.permit(permit_id)
        request = self.request(permit.request_id)
        require_usable(permit, on=on)
        if request.form.answer == "statistics":
            raise NotPermittedError(
                "access.statistics-only",
                what="the permit is for statistics, not for data",
                why="it was approved for answers in anonymized statistical form; rows were not asked for",
                fix="ask with `niji dp answer`, or make a new request for data",
            )
        seal_to = SealTo(
            recipient=parse_public_key(request.form.recipient_public_key),
            signer=keys.signer(),
            escrow=keys.escrow_public().raw,
        )
        self._log("system", "extract.build", permit.id, {"release": permit.release})
        extract = build_extract(
            package, permit, seal_to=seal_to, outbox=outbox, on=on, package_keys=keys.signing_keys()
        )
        found = extract.manifest
        self._log("system", "extract.built", permit.id, {"manifest": found.digest, "files": len(found.files)})
        self.store.add_extract(ExtractEntry(permit.id, found.digest, on, len(found.files)))
        return extract

    def request(self, request_id: str) -> Request:
        """Return a request, or refuse.

        Raises:
            UsageError: There is none of that id.
        """
        request = self.store.request(request_id)
        if request is None:
            raise _unknown("request", request_id)
        return request

    def permit(self, permit_id: str) -> Permit:
        """Return a permit, or refuse.

        Raises:
            NotPermittedError: There is none of that id.
        """
        permit = self.store.permit(permit_id)
        if permit is None:
            raise NotPermittedError(
                "access.no-permit",
                what="there is no such permit",
                why="data leave only under a permit",
                fix="see `niji request show` for requests and their permits",
            )
        return permit

    def _apply(self, request: Request, event: Event, *, decision: Decision | None = None) -> Request:
        after = apply_event(request, event, decision=decision)
        details: dict[str, str | int] = {"before": request.state.value, "after": after.state.value}
        if after.permit is not None:
            details["permit"] = after.permit.id
        self._log(event.actor.id, f"request.{event.kind.value}", request.id, details)
        self.store.save_request(after)
        return after

    def _log(self, actor: str, action: str, subject: str, details: Mapping[str, str | int]) -> None:
        self.audit.append(actor=actor, action=action, subject=subject, details=details)


def package_folder(record: CatalogRecord, *, home: Path) -> Path | None:
    """Return where the package of a record lies; None for controlled rows, which are never written out but to be sealed."""
    if record.evidence.method is MethodKind.CONTROLLED_ROWS:
        return None
    return home / "zones" / "released" / record.release / record.version


def _unknown(kind: str, name: str) -> UsageError:
    return UsageError(
        f"access.unknown-{kind}",
        what=f"there is no {kind} '{name[:64]}'",
        why="its id is not in the catalog's store",
        fix="see `niji request show` for what there is",
    )
