"""Many processes charge one ledger at once, and some are killed: what must hold of it afterwards.

Run as a program, this is one of the processes; `storm` starts them. The small storm is a test, the full one a benchmark.
"""

import os
import secrets
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from catalog.ledger import Ledger
from catalog.ledger_anchor import FileAnchor
from catalog.ledger_entries import ChargeState
from catalog.ledger_scopes import Scopes
from policies.errors import BudgetError

REPOSITORY = Path(__file__).resolve().parents[2]
AMOUNT, DELTA_AMOUNT = 5_000, 7
YEAR_FACTOR = 4


def scopes(cap_micro: int) -> Scopes:
    """Return the accounts of a storm: lifetime, release and researcher see the same charges, the year has more room."""
    return Scopes(
        "storm",
        cap_micro,
        "counts",
        researcher="r1",
        year_cap_micro=cap_micro * YEAR_FACTOR,
        release_cap_micro=cap_micro,
        researcher_cap_micro=cap_micro,
        delta_cap_units=cap_micro // AMOUNT * DELTA_AMOUNT,
        year_delta_cap_units=cap_micro * YEAR_FACTOR,
        release_delta_cap_units=cap_micro // AMOUNT * DELTA_AMOUNT,
    )


def attempt(location: Path | str, anchor: Path, cap_micro: int, attempts: int) -> None:
    """Charge so many times; settle every third charge, burn every fifth; a full account is no error."""
    ledger = Ledger.open(location, anchors=(FileAnchor(anchor),))
    print("ready", flush=True)
    for number in range(attempts):
        try:
            question = f"sha256:{secrets.token_hex(16)}"
            charge = ledger.reserve(
                scopes(cap_micro), AMOUNT, query_hash=question, snapshot="sha256:s", delta_units=DELTA_AMOUNT
            )
        except BudgetError:
            print("refused", flush=True)
            continue
        print("charged", flush=True)
        if number % 3 == 0:
            charge.settle(f"sha256:{number}")
        elif number % 5 == 0:
            charge.burn()


@dataclass(frozen=True)
class Weather:
    """What a storm left: attempts that were told their outcome, and the accounts."""

    charged: int
    refused: int
    spent_micro: dict[str, int]
    spent_delta: dict[str, int]
    made: int
    seconds: float
    cpu_seconds: float


def storm(
    location: Path | str, anchor: Path, *, processes: int, attempts: int, cap_micro: int, killed: dict[int, int]
) -> Weather:
    """Start the processes, kill some while they charge, and read the ledger with its chain and its anchor checked.

    `killed` says which processes are killed, each after so many of its own charges.
    """
    Ledger.open(location, anchors=(FileAnchor(anchor),))
    code = f"from {__name__} import main; main()"
    words = [sys.executable, "-c", code, str(location), str(anchor), str(cap_micro), str(attempts)]
    before, begun = os.times(), time.monotonic()
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) for _ in range(processes)]
    heard: list[list[str]] = [[] for _ in running]
    threads = [
        threading.Thread(target=_listen, args=(process, lines, killed.get(number)))
        for number, (process, lines) in enumerate(zip(running, heard, strict=True))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, after = time.monotonic() - begun, os.times()
    ledger = Ledger.open(location, anchors=(FileAnchor(anchor),))
    ledger.verify()
    view = ledger.show("storm")
    told = [line for lines in heard for line in lines]
    spent = {"lifetime": view.spent, **{one.scope.split("/")[2]: one.spent for one in view.accounts}}
    return Weather(
        told.count("charged"),
        told.count("refused"),
        {name: loss.rho_micro for name, loss in spent.items()},
        {name: loss.delta_units for name, loss in spent.items()},
        sum(view.charges.get(state, 0) for state in ChargeState),
        seconds,
        (after.children_user + after.children_system) - (before.children_user + before.children_system),
    )


def _listen(process: "subprocess.Popen[str]", lines: list[str], kill_after: int | None) -> None:
    """Collect what a process says; kill it after so many charges if it is to be killed."""
    for line in process.stdout or ():
        lines.append(line.strip())
        if kill_after is not None and lines.count("charged") == kill_after:
            process.kill()
            break
    lines.extend(line.strip() for line in process.stdout or ())
    process.wait()


def main() -> None:
    """Be one of the processes."""
    location, anchor, cap_micro, attempts = sys.argv[1:]
    attempt(location if "://" in location else Path(location), Path(anchor), int(cap_micro), int(attempts))
