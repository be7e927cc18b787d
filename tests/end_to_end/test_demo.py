"""The demo as a person starts it: six apps, one incident, the real Prometheus beside it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import Launcher, Server, get_json, wait_for

from dashboard.shipped import shipped_monitoring, write_monitoring
from simulators.apps import APPS

SCALE = 0.2
"""The one factor by which every time of the shipped files is shortened here."""

DURATION = re.compile(r"\b(\d+)(ms|s|m|h)\b")


def scaled(match: re.Match[str]) -> str:
    sizes = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
    return f"{int(int(match.group(1)) * sizes[match.group(2)] * SCALE)}ms"


def scaled_monitoring(folder: Path) -> Path:
    """Write the shipped folder with every duration of the scrape config and the rules multiplied by ``SCALE``."""
    monitoring = write_monitoring(folder)
    for file in (monitoring / "prometheus.yml", *monitoring.glob("rules/*.yml")):
        lines = file.read_text(encoding="utf-8").splitlines()
        kept = [
            line if line.lstrip().startswith(("#", "summary:", "description:")) else DURATION.sub(scaled, line)
            for line in lines
        ]
        file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return monitoring


def provoke(app: str, kind: str, seconds: int) -> None:
    port = next(known.port for known in APPS if known.name == app)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/incident",
        data=json.dumps({"kind": kind, "seconds": seconds}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in (200, 202)


def apps_up(server: Server) -> list[str]:
    names = {app.name for app in APPS}
    up = {series["metric"]["job"] for series in server.query("up == 1")}
    return sorted(up & names)


def alert_state(server: Server, name: str, job: str) -> str:
    alerts = get_json(f"{server.url}/api/v1/alerts")["data"]["alerts"]
    states = [
        alert["state"] for alert in alerts if alert["labels"]["alertname"] == name and alert["labels"].get("job") == job
    ]
    return states[0] if states else "inactive"


def alerts_page(server: Server) -> str:
    with urllib.request.urlopen(f"{server.url}/alerts", timeout=30) as answer:
        return str(answer.read().decode())


@pytest.fixture
def demo(launcher: Launcher) -> Iterator[Any]:
    """Start the demo; its simulators must be gone with it."""

    def start(*arguments: str, port: int | None = None) -> Server:
        return launcher.glass(*arguments, command="demo", port=port)

    yield start
    for server in launcher.running:
        server.end(signal.SIGTERM)


def test_an_incident_makes_its_alert_pending_firing_and_resolved(demo: Any, tmp_path: Path) -> None:
    monitoring = scaled_monitoring(tmp_path)
    server = demo("--no-browser", "--config", str(monitoring / "prometheus.yml"))
    wait_for(lambda: len(apps_up(server)) == len(APPS), "six apps to be up")
    assert alert_state(server, "ErrorRateHigh", "ai-planner") == "inactive"

    provoke("ai-planner", "errors", 25)
    wait_for(lambda: alert_state(server, "ErrorRateHigh", "ai-planner") == "pending", "the alert to be pending")
    wait_for(lambda: alert_state(server, "ErrorRateHigh", "ai-planner") == "firing", "the alert to fire")
    page = alerts_page(server)
    assert "ErrorRateHigh" in page
    assert "firing" in page.lower()

    wait_for(lambda: alert_state(server, "ErrorRateHigh", "ai-planner") == "inactive", "the alert to end", 120)
    states = [
        value["metric"]["alertstate"]
        for value in server.query('last_over_time(ALERTS{alertname="ErrorRateHigh",job="ai-planner"}[10m])')
    ]
    assert sorted(states) == ["firing", "pending"]


@pytest.mark.peers
def test_the_real_prometheus_sees_the_same_targets_and_fires_the_same_alert(
    demo: Any, launcher: Launcher, tmp_path: Path
) -> None:
    config = scaled_monitoring(tmp_path) / "prometheus.yml"
    glass = demo("--no-browser", "--config", str(config), port=5000)
    prometheus = launcher.prometheus(config)

    def targets(server: Server) -> dict[str, str]:
        active = get_json(f"{server.url}/api/v1/targets")["data"]["activeTargets"]
        return {target["labels"]["job"] + " " + target["labels"]["instance"]: target["health"] for target in active}

    wait_for(lambda: set(targets(glass).values()) == {"up"}, "all targets to be up here")
    wait_for(lambda: targets(prometheus) == targets(glass), "the same targets to be up there")
    provoke("ai-deployer", "errors", 120)
    for server in (glass, prometheus):
        wait_for(lambda at=server: alert_state(at, "ErrorRateHigh", "ai-deployer") == "firing", "the alert", 180)


@pytest.mark.peers
@pytest.mark.parametrize(
    "command",
    [
        ["promtool", "check", "config", "prometheus.yml"],
        ["promtool", "check", "rules", "rules/*.yml"],
        ["promtool", "test", "rules", "rules/tests/*.yml"],
        ["amtool", "check-config", "alertmanager.yml"],
    ],
    ids=" ".join,
)
def test_the_shipped_files_pass_the_real_tools(command: list[str]) -> None:
    folder = shipped_monitoring()
    words = [str(path) for word in command for path in (sorted(folder.glob(word)) if "*" in word else [word])]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_start_opens_the_running_page_and_ends(demo: Any, tmp_path: Path) -> None:
    server = demo("--no-browser")
    port = server.url.rpartition(":")[2]
    second = subprocess.run(
        [sys.executable, "-m", "dashboard", "demo", "--no-browser", "--port", port, "--data-dir", str(tmp_path / "b")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 0, second.stderr
    assert "running already" in second.stderr
    assert server.process.poll() is None
