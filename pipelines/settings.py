"""Where a deployment lies and what it runs with; the only reader of the environment.

`NIJI_HOME` names the deployment's folder (default `.niji`), `NIJI_PORTAL_URL` the portal's address for links.
`NIJI_PASSPHRASE` opens the key store; without it, the file `passphrase` in the home does. `NIJI_LEDGER_URL` puts the
privacy ledger on a server, `NIJI_LEDGER_ANCHOR` names a file outside the home that knows the ledger's newest entry.
`NIJI_ANSWER_SECONDS` is the shortest time from a question to its noisy answer, and of a noisy release.
"""

import datetime
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from catalog.ledger_place import LedgerPlace
from catalog.secret import Passphrase
from policies.errors import UsageError

DEFAULT_HOME = Path(".niji")
PORTAL_URL = "http://127.0.0.1:8000"
"""Where `niji serve` puts the portal if nobody says otherwise."""
_LONGEST_ANSWER = 86_400.0
PACKAGED_POLICIES = Path(__file__).resolve().parent.parent / "policies"


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment: its folders, the day it runs on, the passphrase of its key store.

    `policies` is the folder of policy files, `landing` where sources are put. `fixed_day` stands still (tests, replays);
    without it the day is asked of the clock each time, because servers live longer than a day. `memory_limit` caps
    DuckDB, which spills to a folder inside the restricted zone. `portal_url` is where the portal answers, for links.
    `answer_seconds` is the shortest slot of noisy answers and releases, None for the house's (`pipelines/fixed_time.py`).
    """

    home: Path
    policies: Path
    landing: Path
    keys_passphrase: Passphrase = field(repr=False)
    fixed_day: datetime.date | None = None
    memory_limit: str = "2GB"
    portal_url: str = PORTAL_URL
    ledger_url: str | None = field(default=None, repr=False)
    ledger_anchor: Path | None = None
    answer_seconds: float | None = None

    @property
    def on(self) -> datetime.date:
        """The day in Japan, unless one was fixed."""
        return self.fixed_day or datetime.datetime.now(ZoneInfo("Asia/Tokyo")).date()

    @property
    def zones(self) -> Path:
        """The folder of the zones: restricted, pseudonymized, released."""
        return self.home / "zones"

    @property
    def ledger(self) -> LedgerPlace:
        """Where the privacy ledger lies."""
        return LedgerPlace(self.home, self.ledger_url, self.ledger_anchor)

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its event log."""
        return self.home / "dagster"


def load_settings(
    home: Path | None = None,
    *,
    policies: Path | None = None,
    landing: Path | None = None,
    on: datetime.date | None = None,
) -> Settings:
    """Return the settings of a deployment; what is not given comes from the environment or the defaults.

    Args:
        home: The deployment's folder; made, readable by its owner only, if it is not there.
        policies: The folder of policy files; by default `policies/` in the home, or the ones that ship.
        landing: Where the sources lie; by default `landing/` in the home.
        on: The day the pipeline runs on; by default today in Japan.

    Returns:
        Absolute paths, and the passphrase from NIJI_PASSPHRASE or from the home's own file, which is written (mode
        0600) when there is none.
    """
    home = (home or Path(os.environ.get("NIJI_HOME", DEFAULT_HOME))).resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = home / "policies"
    return Settings(
        home=home,
        policies=(policies or (own if own.is_dir() else PACKAGED_POLICIES)).resolve(),
        landing=(landing or home / "landing").resolve(),
        keys_passphrase=_passphrase(home),
        fixed_day=on,
        portal_url=os.environ.get("NIJI_PORTAL_URL", PORTAL_URL).rstrip("/"),
        ledger_url=ledger_place(home).url,
        ledger_anchor=ledger_place(home).anchor,
        answer_seconds=_answer_seconds(),
    )


def settings_for_reading(
    home: Path | None = None,
    *,
    policies: Path | None = None,
    landing: Path | None = None,
    on: datetime.date | None = None,
) -> Settings:
    """Return the settings of a deployment without making anything: no folder, no passphrase file.

    For what only looks (a dry run). Where there is no passphrase, the one returned opens no key store.

    Raises:
        UsageError: There is no such folder.
    """
    found = (home or Path(os.environ.get("NIJI_HOME", DEFAULT_HOME))).resolve()
    if not found.is_dir():
        raise UsageError(
            "deployment.no-home",
            what=f"there is no deployment in {found}",
            why="what would result is computed from a deployment's own data",
            fix="name its folder with --home or NIJI_HOME; `niji demo` makes one",
        )
    own = found / "policies"
    file = found / "passphrase"
    given = os.environ.get("NIJI_PASSPHRASE") or (file.read_text("ascii").strip() if file.exists() else "")
    return Settings(
        home=found,
        policies=(policies or (own if own.is_dir() else PACKAGED_POLICIES)).resolve(),
        landing=(landing or found / "landing").resolve(),
        keys_passphrase=Passphrase(given or secrets.token_urlsafe(32)),
        fixed_day=on,
        ledger_url=ledger_place(found).url,
        ledger_anchor=ledger_place(found).anchor,
    )


def ledger_place(home: Path) -> LedgerPlace:
    """Return where the privacy ledger of a home lies, from the environment or the defaults; nothing is opened."""
    anchor = os.environ.get("NIJI_LEDGER_ANCHOR")
    return LedgerPlace(home, os.environ.get("NIJI_LEDGER_URL") or None, Path(anchor).resolve() if anchor else None)


def _answer_seconds() -> float | None:
    given = os.environ.get("NIJI_ANSWER_SECONDS")
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_ANSWER:
        raise UsageError(
            "deployment.answer-seconds",
            what="NIJI_ANSWER_SECONDS is not a number of seconds above 0 and up to a day",
            why="noisy answers become visible at slots of that length, so that their time tells nothing of data or noise",
            fix="give seconds that the work surely fits in, such as 5, or leave it out",
        )
    return seconds


def _passphrase(home: Path) -> Passphrase:
    given = os.environ.get("NIJI_PASSPHRASE")
    if given:
        return Passphrase(given)
    path = home / "passphrase"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Passphrase(path.read_text("ascii").strip())
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    return Passphrase(path.read_text("ascii").strip())
