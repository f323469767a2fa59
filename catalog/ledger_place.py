"""Where a deployment's privacy ledger lies. Light to import: settings need it, and open nothing."""

from dataclasses import dataclass, field
from pathlib import Path

_LEDGER, _ANCHOR = "ledger.sqlite", "ledger.anchor.json"


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Where a deployment's ledger lies: in its `home`, or at the `url` of a server; `anchor` is a file elsewhere."""

    home: Path
    url: str | None = field(default=None, repr=False)
    anchor: Path | None = None

    @property
    def location(self) -> Path | str:
        """What to open."""
        return self.url or self.home / _LEDGER

    @property
    def anchor_file(self) -> Path:
        """The anchor in a file."""
        return self.anchor or self.home / _ANCHOR

    @property
    def is_used(self) -> bool:
        """Whether there is anything to look at; a ledger that is gone and has an anchor is."""
        return self.url is not None or (self.home / _LEDGER).exists() or self.anchor_file.exists()
