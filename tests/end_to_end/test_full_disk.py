"""The real server while its disk is full: it says so, answers on, and has lost nothing when there is room again."""

from __future__ import annotations

import random
import signal
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from disks import fill, small_disk
from processes import Launcher, Server, Target, get_json, wait_for

from dashboard.shipped import shipped_monitoring

BALLAST = 40_000
"""Series that fill what room the log still has within seconds."""
ALERT = "NothingStored"


class Page:
    """A counter of how often the page was served and, while it is heavy, numbers that do not get smaller."""

    def __init__(self) -> None:
        self.hits = 0
        self.heavy = False
        chance = random.Random(5)
        self._ballast = [
            "".join(f'ballast{{n="{n}"}} {chance.random()!r}\n' for n in range(BALLAST)).encode() for _ in range(4)
        ]

    def __call__(self, _: str) -> bytes:
        self.hits += 1
        return f"hits {self.hits}\n".encode() + (self._ballast[self.hits % len(self._ballast)] if self.heavy else b"")


def write_config(folder: Path, port: int) -> Path:
    """Write a configuration with the shipped rules, whose windows and delays are made short."""
    shipped = (shipped_monitoring() / "rules" / "availability.yml").read_text(encoding="utf-8")
    assert "absent_over_time(up[2m])" in shipped
    rules = shipped.replace("up[2m]", "up[4s]").replace("for: 1m", "for: 2s")
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
        "rule_files: [rules.yml]\n"
        f"scrape_configs: [{{job_name: t, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )
    return config


class Visitor:
    """Asks for queries and pages all the time, and keeps what was not answered well."""

    def __init__(self, server: Server) -> None:
        self.asked = 0
        self.bad: list[str] = []
        self._server = server

    @contextmanager
    def visiting(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._visit, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _visit(self, over: threading.Event) -> None:
        paths = ("/api/v1/query?query=hits", "/api/v1/query?query=rate(hits[1m])", "/", "/targets", "/-/healthy")
        while not over.wait(0.05):
            path = paths[self.asked % len(paths)]
            self.asked += 1
            try:
                urllib.request.urlopen(self._server.url + path, timeout=30).close()
            except OSError as error:
                self.bad.append(f"{path}: {error}")


def is_storing(server: Server) -> bool:
    health = get_json(f"{server.url}/health")
    assert health["status"] == ("ok" if health["storing"] else "degraded")
    return bool(health["storing"])


def page_says_it(server: Server) -> bool:
    """Ask the page of the targets, which is made anew every two seconds."""
    with urllib.request.urlopen(f"{server.url}/targets", timeout=30) as answer:
        return b"disk is full</span>" in answer.read()


def fires(server: Server) -> bool:
    alerts = get_json(f"{server.url}/api/v1/alerts")["data"]["alerts"]
    return any(alert["labels"]["alertname"] == ALERT and alert["state"] == "firing" for alert in alerts)


def fill_and_free(server: Server, page: Page, filler: Path) -> None:
    """Fill the disk until the alert fires, and make room again."""
    fill(filler)
    page.heavy = True
    wait_for(lambda: not is_storing(server), "the full disk to be noticed")
    page.heavy = False
    wait_for(lambda: page_says_it(server), "the page of the targets to say it")
    wait_for(lambda: fires(server), "the alert to fire")
    assert not is_storing(server)
    filler.unlink()
    wait_for(lambda: is_storing(server), "the store to write again")
    wait_for(lambda: not fires(server), "the alert to end")
    wait_for(lambda: not page_says_it(server), "the page of the targets to say so no more")


def fill_often(launcher: Launcher, tmp_path: Path, cycles: int, megabytes: int) -> None:
    page = Page()
    with small_disk(tmp_path / "data", megabytes) as disk, Target(page).serving() as target:
        config = write_config(tmp_path, target.server_port)
        server = launcher.glass("--config", str(config))
        wait_for(lambda: page.hits > 3 and not fires(server), "scrapes")
        visitor = Visitor(server)
        with visitor.visiting():
            for _ in range(cycles):
                fill_and_free(server, page, disk / "filler")
        assert not visitor.bad
        assert visitor.asked > 10 * cycles
        server.end()
        assert server.process.returncode == 0
        again = launcher.glass("--config", str(config))
        hits = [int(value) for _, value in again.query("hits[1h]")[0]["values"]]
        # Every scrape is there once: those before, those while the disk was full, and those after.
        assert hits == list(range(1, len(hits) + 1))
        assert len(hits) >= page.hits - 3
        again.end(signal.SIGTERM)


@pytest.mark.timeout(300)
def test_a_full_disk_is_said_and_nothing_is_lost(launcher: Launcher, tmp_path: Path) -> None:
    fill_often(launcher, tmp_path, cycles=2, megabytes=64)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_twenty_full_disks_are_said_and_nothing_is_lost(launcher: Launcher, tmp_path: Path) -> None:
    fill_often(launcher, tmp_path, cycles=20, megabytes=512)
