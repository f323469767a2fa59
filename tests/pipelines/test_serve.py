"""`niji serve`: both servers answer, an interrupt stops all of it, a taken port is refused before anything starts."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.serve import HOST, Server, is_answering, refuse_taken_ports, servers, serving, wait_until_up
from policies.errors import UsageError
from tests.support import tiny_deployment as tiny

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        yield holder.getsockname()[1]


def free_ports(number: int) -> list[int]:
    holders = [socket.socket() for _ in range(number)]
    for holder in holders:
        holder.bind((HOST, 0))
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def environment() -> dict[str, str]:
    return os.environ | {"NIJI_PASSPHRASE": tiny.PASSPHRASE.reveal().decode(), "PYTHONUNBUFFERED": "1"}


def command(home: Path, *ports: int) -> list[str]:
    dagster, portal = (str(port) for port in ports)
    run = [sys.executable, "-c", "from pipelines.cli.main import main; main()", "serve"]
    return [*run, "--home", str(home), "--dagster-port", dagster, "--portal-port", portal]


def get(port: int, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=30) as answer:
        return answer.status, answer.read().decode()


def processes_of(mark: str) -> list[str]:
    """Return the command lines of running processes whose environment or command names a folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, IndexError):
            continue
        if mark.encode() in said and state != "Z":
            found.append((folder / "cmdline").read_bytes().decode().replace("\0", " "))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for children in /proc")
def test_both_servers_answer_and_an_interrupt_stops_everything(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = tiny.published_home(tmp_path_factory, tmp_path / "home")
    dagster, portal = free_ports(2)
    niji = subprocess.Popen(
        command(settings.home, dagster, portal),
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert niji.stdout is not None
        lines = [niji.stdout.readline() for _ in range(4)]
        assert f"http://{HOST}:{dagster}" in lines[1], "".join(lines)
        assert f"http://{HOST}:{portal}" in lines[2]
        status, page = get(portal, "/")
        assert status == 200
        assert "clinic-cells" in page
        status, info = get(dagster, "/server_info")
        assert status == 200
        assert "dagster_webserver_version" in json.loads(info)
        asked = time.monotonic()
        niji.send_signal(signal.SIGINT)
        said, _ = niji.communicate(timeout=15)
        assert time.monotonic() - asked < 15
        assert niji.returncode == 0
        assert said.splitlines()[-1] == "stopped"
    finally:
        if niji.poll() is None:
            niji.terminate()
            niji.wait(timeout=30)
    assert not is_answering(dagster)
    assert not is_answering(portal)
    assert processes_of(str(settings.home)) == []
    logs = "".join(path.read_text("utf-8") for path in (settings.home / "logs").iterdir())
    assert "Traceback" not in logs


def test_taken_port_is_refused_before_anything_starts(tmp_path: Path, taken: int) -> None:
    settings = tiny.write_deployment(tmp_path / "home")
    done = subprocess.run(
        command(settings.home, free_ports(1)[0], taken),
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("serve.port-taken\n")
    assert str(taken) in done.stderr
    assert "--portal-port" in done.stderr
    assert not (settings.home / "logs").exists()


def test_two_servers_on_one_port_are_told_apart_from_a_free_one(taken: int) -> None:
    refuse_taken_ports((Server("daemon", ("true",), None), Server("portal", ("true",), free_ports(1)[0])))
    with pytest.raises(UsageError) as refused:
        refuse_taken_ports((Server("portal", ("true",), taken),))
    assert refused.value.code == "serve.port-taken"


def test_server_that_ends_at_once_is_named(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    wanted = (Server("portal", (sys.executable, "-c", "raise SystemExit(3)"), free_ports(1)[0]),)
    with pytest.raises(UsageError) as refused, serving(settings, wanted) as running:
        wait_until_up(wanted, running, seconds=30)
    assert refused.value.code == "serve.not-up"
    assert refused.value.what == "portal did not start"


def test_all_listen_on_this_machine_only_and_no_secret_is_in_a_command(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    wanted = servers(settings, dagster_port=1, portal_port=2)
    assert [server.name for server in wanted] == ["Dagster UI", "Dagster daemon", "portal"]
    words = " ".join(word for server in wanted for word in server.command)
    assert f"-h {HOST}" in words
    assert "0.0.0.0" not in words
    assert settings.keys_passphrase.reveal().decode() not in words
