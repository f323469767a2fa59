"""Serve a deployment: Dagster's web server and daemon for the steward, the portal for researchers, until interrupted.

All listen on this machine only: the Dagster UI has no log-in, and the portal is meant to stand behind a proxy.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from pipelines.run import instance_of
from pipelines.settings import Settings
from policies.errors import UsageError

HOST = "127.0.0.1"
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Server:
    """One process to run, and the port it answers on (None for a daemon)."""

    name: str
    command: tuple[str, ...]
    port: int | None


def servers(settings: Settings, *, dagster_port: int, portal_port: int) -> tuple[Server, ...]:
    """Return what a deployment serves."""
    python = sys.executable
    module = ("-m", "pipelines.served")
    web = (python, "-m", "dagster_webserver", "-h", HOST, "-p", str(dagster_port), *module)
    daemon = (python, "-m", "dagster._daemon", "run", *module)
    portal = (python, "-m", "pipelines.portal", str(settings.home), str(portal_port))
    return (
        Server("Dagster UI", web, dagster_port),
        Server("Dagster daemon", daemon, None),
        Server("portal", portal, portal_port),
    )


def refuse_taken_ports(wanted: tuple[Server, ...]) -> None:
    """Refuse to start where another program listens already.

    Raises:
        UsageError: A port is taken.
    """
    for server in wanted:
        if server.port is not None and is_answering(server.port):
            raise UsageError(
                "serve.port-taken",
                what=f"port {server.port} for the {server.name} is taken",
                why="another program listens there",
                fix="stop it, or choose another with --dagster-port or --portal-port",
            )


def is_answering(port: int) -> bool:
    """Say whether something listens on a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def _portal_url(settings: Settings, wanted: tuple[Server, ...]) -> str:
    """Return where the portal of these servers answers, so that links in the Dagster UI lead there."""
    ports = [server.port for server in wanted if server.name == "portal" and server.port is not None]
    return f"http://{HOST}:{ports[0]}" if ports else settings.portal_url


@contextmanager
def serving(settings: Settings, wanted: tuple[Server, ...]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start servers and stop them, whatever happens; each is the head of its own process group."""
    refuse_taken_ports(wanted)
    log_folder = settings.home / "logs"
    log_folder.mkdir(mode=0o700, exist_ok=True)
    environment = os.environ | {
        "DAGSTER_HOME": str(settings.dagster_home),
        "NIJI_HOME": str(settings.home),
        "NIJI_PORTAL_URL": _portal_url(settings, wanted),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "PYTHONWARNINGS": "ignore",
    }
    running: dict[str, subprocess.Popen[bytes]] = {}
    with instance_of(settings):
        pass  # writes the instance's configuration
    try:
        for server in wanted:
            log = (log_folder / f"{server.name.lower().replace(' ', '-')}.log").open("ab")
            with log:
                running[server.name] = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                    server.command, env=environment, stdout=log, stderr=log, start_new_session=True
                )
        yield running
    finally:
        _stop(list(running.values()))


def wait_until_up(wanted: tuple[Server, ...], running: dict[str, subprocess.Popen[bytes]], *, seconds: float) -> None:
    """Wait until every port answers.

    Raises:
        UsageError: A process ended, or did not answer in time.
    """
    until = time.monotonic() + seconds
    waiting = [server for server in wanted if server.port is not None]
    while waiting:
        waiting = [server for server in waiting if not is_answering(server.port or 0)]
        ended = [name for name, process in running.items() if process.poll() is not None]
        if ended or time.monotonic() > until:
            late = ", ".join(ended) or ", ".join(server.name for server in waiting)
            raise UsageError(
                "serve.not-up",
                what=f"{late} did not start",
                why="the process ended or did not answer in time",
                fix="read the files in NIJI_HOME/logs, mend the cause, and serve again",
            )
        time.sleep(_POLL_SECONDS)


def wait_for_interrupt(running: dict[str, subprocess.Popen[bytes]]) -> str | None:
    """Wait for Ctrl-C or a termination; returns the name of a server that ended by itself, if one did."""
    asked: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not asked:
            ended = [name for name, process in running.items() if process.poll() is not None]
            if ended:
                return ended[0]
            time.sleep(_POLL_SECONDS)
        return None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            # The group, not the process: Dagster's servers start helpers of their own.
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                continue
        until = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < until and any(process.poll() is None for process in processes):
            time.sleep(0.1)
