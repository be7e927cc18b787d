"""Real exporters, scraped by the real Prometheus and by us at once: the same series, metadata and health."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from processes import Launcher, Server, free_port, get_json, wait_for

pytestmark = pytest.mark.peers

EXPORTERS = Path(__file__).parent / "exporters"
APPS = {"flask": "flask_app.py", "fastapi": "fastapi_app.py", "multiprocess": "multiprocess_app.py"}
PAGES = {"flask": ("/orders/7", "/broken", "/missing"), "fastapi": ("/orders/7", "/orders/x", "/broken")}


@contextmanager
def running(command: list[str], folder: Path, name: str) -> Iterator[None]:
    shared = folder / f"{name}-shared"
    shared.mkdir()
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(shared)}
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Run every exporter, with some traffic behind those that are apps."""
    ports = {name: free_port() for name in [*APPS, "node"]}
    node = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{ports['node']}"]
    with ExitStack() as undo:
        undo.enter_context(running(node, tmp_path, "node"))
        for name, script in APPS.items():
            undo.enter_context(running([sys.executable, str(EXPORTERS / script), str(ports[name])], tmp_path, name))
        for name, port in ports.items():
            wait_for(lambda port=port: status_of(f"http://127.0.0.1:{port}/metrics") == 200, name)  # type: ignore[misc]
        for name, pages in PAGES.items():
            assert all(status_of(f"http://127.0.0.1:{ports[name]}{page}") for page in pages)
        yield ports


def write_config(folder: Path, ports: dict[str, int]) -> Path:
    jobs = "".join(
        f"- {{job_name: {name}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n" for name, port in ports.items()
    )
    file = folder / "prometheus.yml"
    file.write_text(f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{jobs}", encoding="utf-8")
    return file


def stored(server: Server, job: str) -> set[tuple[tuple[str, str], ...]]:
    """Return the series of a job's scrapes, once there were two of them."""
    wait_for(lambda: server.query(f'count_over_time(up{{job="{job}"}}[1m]) >= 2'), f"two scrapes of {job}")
    series = get_json(f"{server.url}/api/v1/series", **{"match[]": f'{{job="{job}"}}'})["data"]
    return {tuple(sorted(labels.items())) for labels in series}


def metadata(server: Server, job: str) -> dict[str, tuple[str, str, str]]:
    told = get_json(f"{server.url}/api/v1/targets/metadata", match_target=f'{{job="{job}"}}')["data"]
    return {entry["metric"]: (entry["type"], entry["help"], entry["unit"]) for entry in told}


def target(server: Server, job: str) -> dict[str, Any]:
    (found,) = (
        each
        for each in get_json(f"{server.url}/api/v1/targets")["data"]["activeTargets"]
        if each["labels"]["job"] == job
    )
    kept = ("discoveredLabels", "labels", "scrapePool", "scrapeUrl", "lastError", "health")
    return {key: found[key] for key in kept}


def test_exporters_are_stored_as_the_real_prometheus_stores_them(
    launcher: Launcher, ports: dict[str, int], tmp_path: Path
) -> None:
    config = write_config(tmp_path, ports)
    ours, theirs = launcher.glass("--config", str(config)), launcher.prometheus(config)
    for job in ports:
        assert stored(ours, job) == stored(theirs, job), job
        assert len(stored(ours, job)) > 20
        assert metadata(ours, job) == metadata(theirs, job), job
        assert target(ours, job) == target(theirs, job), job
        assert [sample["value"][1] for sample in ours.query(f'up{{job="{job}"}}')] == ["1"]
