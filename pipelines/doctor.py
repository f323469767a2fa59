"""Look whether a deployment can run, and say what to do about what is wrong. Nothing is repaired here."""

import datetime
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from catalog.approvals import open_book, states_of
from catalog.audit import AuditLog
from catalog.keys import KeyStore, read_signing_keys
from catalog.ledger_home import look_at_ledger
from pipelines.settings import Settings
from policies.check import check
from policies.errors import NijiError
from policies.findings import is_ok
from policies.load import read_library

MIN_FREE_BYTES = 2 * 1024**3
"""Room for a demo run and its spill files; measured in `tests/benchmarks`."""

NOTICE = datetime.timedelta(days=30)
"""How long before its end a term is spoken of."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing that was looked at."""

    name: str
    is_ok: bool
    what: str

    def as_json(self) -> dict[str, object]:
        """Return it as plain JSON values."""
        return {"name": self.name, "ok": self.is_ok, "what": self.what}


def examine(settings: Settings) -> tuple[Examined, ...]:
    """Examine policies, keys, approvals, ledger, audit log, passphrase and disk."""
    looks: tuple[tuple[str, Callable[[Settings], tuple[bool, str]]], ...] = (
        ("policies", _policies),
        ("keys", _keys),
        ("approvals", _approvals),
        ("ledger", _ledger),
        ("audit", _audit),
        ("passphrase", _passphrase),
        ("disk", _disk),
    )
    return tuple(_look(name, look, settings) for name, look in looks)


def _look(name: str, look: Callable[[Settings], tuple[bool, str]], settings: Settings) -> Examined:
    try:
        found, what = look(settings)
    except NijiError as error:
        return Examined(name, is_ok=False, what=f"{error.code}: {error.what}; {error.fix}")
    return Examined(name, is_ok=found, what=what)


def _policies(settings: Settings) -> tuple[bool, str]:
    library = read_library(settings.policies)
    findings = check(library, on=settings.on)
    what = f"{len(library.datasets)} datasets, {len(library.releases)} releases, {len(findings)} findings"
    return is_ok(findings), what if is_ok(findings) else f"{what}; run `niji policy check {settings.policies}`"


def _keys(settings: Settings) -> tuple[bool, str]:
    store = KeyStore.open(settings.home / "keys", settings.keys_passphrase)
    return True, f"the key store opens; {len(store.names())} keys"


def _approvals(settings: Settings) -> tuple[bool, str]:
    library = read_library(settings.policies)
    states = states_of(library, approvals=open_book(settings.home), on=settings.on)
    idle = [f"{state.name} ({state.status.en})" for state in states if not state.is_active]
    if idle:
        return False, f"not active, so nothing runs on them: {', '.join(idle)}; run `niji policy status`"
    ends = sorted(
        (term.to_on, state.name)
        for state in states
        for term in state.terms
        if term.to_on is not None and term.to_on <= settings.on + NOTICE
    )
    soon = f"; {ends[0][1]} lapses on {ends[0][0].isoformat()}" if ends else ""
    return True, f"all {len(states)} policies are active{soon}"


def _ledger(settings: Settings) -> tuple[bool, str]:
    ledger = look_at_ledger(settings.ledger)
    if ledger is None:
        return True, "no privacy budget was spent yet"
    ledger.verify(public_keys=read_signing_keys(settings.home / "keys"))
    return True, "the chain of the privacy ledger holds, and it is the newest that its anchors know"


def _audit(settings: Settings) -> tuple[bool, str]:
    path = settings.home / "audit.sqlite"
    if not path.exists():
        return True, "nothing was logged yet"
    report = AuditLog.open(path).verify(read_signing_keys(settings.home / "keys"))
    return True, f"the chain of the audit log holds over {report.events} events"


def _passphrase(settings: Settings) -> tuple[bool, str]:
    if os.environ.get("NIJI_PASSPHRASE"):
        return True, "given by NIJI_PASSPHRASE"
    return True, "lies in the home beside the keys: fit for a demo; set NIJI_PASSPHRASE in production"


def _disk(settings: Settings) -> tuple[bool, str]:
    free = shutil.disk_usage(settings.home).free
    what = f"{free / 1024**3:.1f} GiB free"
    return free >= MIN_FREE_BYTES, what if free >= MIN_FREE_BYTES else f"{what}; a run needs about 2 GiB"
