"""The apps as real processes: they start together and none outlives its parent."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from simulators.__main__ import PORT_TAKEN, main
from simulators.apps import APPS, app_named, apps_named
from simulators.fleet import Fleet
from simulators.loopback import PortTakenError, check_port

TWO = apps_named(["ai-reviewer", "ai-planner"])


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def is_free(port: int) -> bool:
    try:
        check_port("", port)
    except PortTakenError:
        return False
    return True


@pytest.fixture
def port_base() -> int:
    """Return the first of six ports in a row that are free now."""
    return next(
        base for base in range(20_000 + os.getpid() % 5000, 60_000, 10) if all(map(is_free, range(base, base + 6)))
    )


def test_all_six_start_answer_and_end(port_base: int) -> None:
    fleet = Fleet(APPS, seed=1, port_base=port_base)
    fleet.start()
    try:
        assert fleet.ports == {app.name: port_base + place for place, app in enumerate(APPS)}
        assert all(wait_for(lambda p=port: healthy(p)) for port in fleet.ports.values())
        processes = [psutil.Process(pid) for pid in fleet.pids.values()]
        assert len({process.pid for process in processes} - {os.getpid()}) == 6
        assert fleet.ended() == {}
    finally:
        fleet.stop()
    assert not any(process.is_running() for process in processes)
    assert fleet.pids == {}
    assert all(map(is_free, range(port_base, port_base + 6)))


def test_all_six_together_stay_within_200_mb(port_base: int) -> None:
    with Fleet(APPS, seed=1, port_base=port_base) as fleet:
        assert all(wait_for(lambda p=port: healthy(p)) for port in fleet.ports.values())
        for port in fleet.ports.values():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            connection.getresponse().read()
            connection.close()
        resident = sum(psutil.Process(pid).memory_info().rss for pid in fleet.pids.values())
    assert resident < 200e6


def test_a_live_process_never_loads_numpy() -> None:
    code = "import sys, simulators.server, simulators.__main__; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_of_the_dashboard_is_imported() -> None:
    code = "import sys, simulators.server, simulators.__main__, simulators.history; "
    code += "assert not [name for name in sys.modules if name.split('.')[0] == 'dashboard']"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_fleet_is_waited_for_until_every_app_answers(port_base: int) -> None:
    fleet = Fleet(TWO, port_base=port_base)
    assert not fleet.wait_until_listening(0.1)
    with fleet:
        assert fleet.wait_until_listening(30)
        assert all(healthy(port) for port in fleet.ports.values())


def test_a_fleet_without_a_seed_chooses_one() -> None:
    assert Fleet(TWO).seed != Fleet(TWO).seed
    assert Fleet(TWO, seed=0).seed == 0


def test_a_port_that_is_taken_is_named_before_any_process_starts(port_base: int) -> None:
    fleet = Fleet(TWO, seed=1, port_base=port_base)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port_base + 1))
        other.listen()
        with pytest.raises(PortTakenError, match=f"Port {port_base + 1} of ai-planner"):
            fleet.start()
        assert fleet.pids == {}


def test_a_process_that_ended_is_reported(port_base: int) -> None:
    with Fleet(TWO, seed=1, port_base=port_base) as fleet:
        psutil.Process(fleet.pids["ai-planner"]).kill()
        assert wait_for(lambda: "ai-planner" in fleet.ended())
        assert "ai-reviewer" not in fleet.ended()


@pytest.fixture
def command(port_base: int) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the command line on free ports."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "simulators", *arguments, "--port-base", str(port_base), "--seed", "1"]
        started.append(subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def children_of(process: subprocess.Popen[bytes], ports: list[int]) -> list[psutil.Process]:
    assert all(wait_for(lambda p=port: healthy(p)) for port in ports)
    return psutil.Process(process.pid).children(recursive=True)


def test_no_child_outlives_a_parent_that_is_killed(
    command: Callable[..., subprocess.Popen[bytes]], port_base: int
) -> None:
    parent = command("ai-reviewer", "ai-planner")
    children = children_of(parent, [port_base, port_base + 1])
    assert len(children) >= 2
    parent.kill()
    assert wait_for(lambda: not any(child.is_running() for child in children))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT and SIGTERM for other processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_parent_and_its_children(
    command: Callable[..., subprocess.Popen[bytes]], port_base: int, number: signal.Signals
) -> None:
    parent = command("ai-reviewer")
    children = children_of(parent, [port_base])
    parent.send_signal(number)
    assert parent.wait(30) == 0
    assert not any(child.is_running() for child in children)


def test_the_command_ends_with_its_stdin_if_it_is_told_so(
    command: Callable[..., subprocess.Popen[bytes]], port_base: int
) -> None:
    parent = command("ai-reviewer", "--exit-with-stdin")
    children = children_of(parent, [port_base])
    assert parent.stdin is not None
    parent.stdin.close()
    assert parent.wait(30) == 0
    assert not any(child.is_running() for child in children)


def test_the_command_names_a_port_that_is_taken(
    command: Callable[..., subprocess.Popen[bytes]], port_base: int
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port_base))
        other.listen()
        _, errors = command("ai-reviewer").communicate(timeout=30)
    assert f"Port {port_base} of ai-reviewer" in errors.decode()


def test_the_command_refuses_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nope"]) == 2
    assert "There is no app 'nope'" in capsys.readouterr().err


def test_serving_a_taken_port_has_a_status_of_its_own(port_base: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port_base))
        other.listen()
        line = [sys.executable, "-m", "simulators", app_named("ai-planner").name, "--serve", "--port", str(port_base)]
        done = subprocess.run(line, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == PORT_TAKEN
    assert f"Port {port_base}" in done.stderr.decode()
