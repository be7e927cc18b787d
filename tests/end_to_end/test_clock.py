"""The real process when the wall clock is set, when it is suspended, and when it is stopped while a target hangs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import Launcher, Server, Target, free_port, get_json, wait_for

INTERVAL = 0.3


class Visits:
    """A page that remembers, by the clock of the test, when it was asked for."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, _: str) -> bytes:
        self.times.append(time.monotonic())
        return f"visits {len(self.times)}\n".encode()

    def since(self, moment: float) -> list[float]:
        return [each for each in self.times if each > moment]


@pytest.fixture
def visits() -> Visits:
    return Visits()


@pytest.fixture
def config(tmp_path: Path, visits: Visits) -> Iterator[Path]:
    """Configure one target that is asked about three times a second, beside rules that are evaluated as often."""
    with Target(visits).serving() as target:
        rules = (
            "groups: [{name: g, rules: [{record: evaluated, expr: time()}, "
            "{alert: Patient, expr: vector(1), for: 40m}]}]\n"
        )
        (tmp_path / "rules.yml").write_text(rules, encoding="utf-8")
        file = tmp_path / "prometheus.yml"
        file.write_text(
            "global: {scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms}\n"
            "rule_files: [rules.yml]\n"
            f"scrape_configs: [{{job_name: t, static_configs: [{{targets: ['127.0.0.1:{target.server_port}']}}]}}]\n",
            encoding="utf-8",
        )
        yield file


def libfaketime() -> str:
    """Return the library that ``faketime`` preloads, empty where there is none."""
    if sys.platform != "linux" or shutil.which("faketime") is None:
        return ""
    told = subprocess.run(["faketime", "now", "env"], capture_output=True, text=True, check=False).stdout
    return next((line.partition("=")[2] for line in told.splitlines() if line.startswith("LD_PRELOAD=")), "")


@contextmanager
def with_a_clock(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Let processes that are started meanwhile have a wall clock that can be set; the monotonic one goes on."""
    library = libfaketime()
    if not library:
        pytest.skip("needs faketime")

    def set_clock(step: str) -> None:
        new = file.with_suffix(".new")
        new.write_text(f"{step}\n", encoding="ascii")
        new.replace(file)

    set_clock("+0")
    for name, value in {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }.items():
        monkeypatch.setenv(name, value)
    yield set_clock


@pytest.mark.parametrize("steps", [("+3600", "+0"), ("-3600", "+0"), ("+86400", "+0"), ("-86400", "+0")])
def test_setting_the_clock_stops_nothing(
    launcher: Launcher, config: Path, visits: Visits, monkeypatch: pytest.MonkeyPatch, steps: tuple[str, str]
) -> None:
    """An hour or a day to one side and then back: a scheduler by the wall clock would stand still for that time."""
    with with_a_clock(config.with_name("clock"), monkeypatch) as set_clock:
        server = launcher.glass("--config", str(config))
        monkeypatch.delenv("LD_PRELOAD")
        wait_for(lambda: stored(server), "samples")
        for step in steps:
            set_clock(step)
            moment, before = time.monotonic(), evaluations(server.url)
            wait_for(
                lambda moment=moment, before=before: (  # type: ignore[misc]
                    len(visits.since(moment)) >= 5 and evaluations(server.url) >= before + 4
                ),
                "scrapes and rules to go on",
                30,
            )
            # An hour made up for would be thousands.
            assert len(visits.since(moment)) < 100
            assert evaluations(server.url) < before + 100
            assert [alert["state"] for alert in get_json(f"{server.url}/api/v1/alerts")["data"]["alerts"]] == [
                "pending"
            ]
        # One of the two steps went back: what came after it is older than what is stored, and is counted.
        assert metrics(server.url)["prometheus_tsdb_out_of_order_samples_total"] > 0
        kept = stored(server)
        assert kept == sorted(kept)
        assert set(kept) <= set(range(1, len(visits.times) + 1))


def stored(server: Server) -> list[int]:
    """Return the visits that are stored, by their timestamps."""
    found = server.query("visits[3d]", time=time.time() + 86_500)
    return [int(value) for _, value in found[0]["values"]] if found else []


def states_of_alerts(server: Server) -> list[str]:
    return [alert["state"] for alert in get_json(f"{server.url}/api/v1/alerts")["data"]["alerts"]]


def evaluations(url: str) -> float:
    """Return how often rules were evaluated, by the server's own count: its clock is not ours."""
    return metrics(url).get("prometheus_rule_evaluations_total", 0.0)


def metrics(url: str) -> dict[str, float]:
    """Return the server's own metrics, those of one name added up."""
    found: dict[str, float] = {}
    with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
        for line in answer.read().decode().splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                name = name.partition("{")[0]
                found[name] = found.get(name, 0.0) + float(value)
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="Windows suspends no process")
def test_after_a_suspend_a_target_is_scraped_once_and_not_for_every_interval_missed(
    launcher: Launcher, config: Path, visits: Visits
) -> None:
    server = launcher.glass("--config", str(config))
    wait_for(lambda: len(visits.times) >= 3, "scrapes")
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        # A scrape that was under way may still arrive.
        time.sleep(6 * INTERVAL)
        moment = time.monotonic()
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    wait_for(lambda: len(visits.since(moment)) >= 4, "scrapes to go on")
    after = visits.since(moment)
    # What was overdue at once, and then one an interval: all that were missed would come together.
    assert after[3] - after[0] > INTERVAL


def test_a_hung_target_does_not_keep_the_server_from_ending(launcher: Launcher, tmp_path: Path) -> None:
    arrived, over = threading.Event(), threading.Event()

    def hang(_: str) -> bytes:
        arrived.set()
        over.wait(60)
        return b""

    with Target(hang).serving() as target:
        config = tmp_path / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1m, scrape_timeout: 1m}\n"
            f"scrape_configs: [{{job_name: t, static_configs: [{{targets: ['127.0.0.1:{target.server_port}']}}]}}]\n",
            encoding="utf-8",
        )
        server = launcher.glass("--config", str(config), port=free_port())
        assert arrived.wait(30)
        server.end()
        over.set()
    assert server.process.returncode == 0
