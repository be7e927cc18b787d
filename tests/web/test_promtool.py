"""Prometheus's own client reads our answers."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dashboard.web.server import Server

SECONDS = 1_700_000_000

pytestmark = pytest.mark.peers


def query(server: Server, *arguments: str) -> Any:
    kind, *rest = arguments
    command = ["promtool", "query", kind, "--format=json", *rest[:-1], server.url, rest[-1]]
    if kind in ("series", "labels"):
        command = ["promtool", "query", kind, "--format=json", server.url, *rest]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_promtool_reads_an_instant_query(server: Server) -> None:
    (found,) = query(server, "instant", f"--time={SECONDS}", "queue")
    assert found == {"metric": {"__name__": "queue", "job": "api"}, "value": [SECONDS, "10"]}


def test_promtool_reads_a_range_query(server: Server) -> None:
    times = (f"--start={SECONDS - 30}", f"--end={SECONDS}", "--step=15s")
    (found,) = query(server, "range", *times, "queue / 0")
    assert [value for _, value in found["values"]] == ["+Inf"] * 3


def test_promtool_reads_series(server: Server) -> None:
    window = (f"--start={SECONDS - 60}", f"--end={SECONDS}")
    assert query(server, "series", *window, "--match=queue") == [{"__name__": "queue", "job": "api"}]


def test_promtool_reads_the_values_of_a_label(server: Server) -> None:
    window = (f"--start={SECONDS - 60}", f"--end={SECONDS}")
    assert query(server, "labels", *window, "job") == ["api", "web"]


def test_promtool_makes_blocks_of_rules_and_our_samples(server: Server, tmp_path: Path) -> None:
    rules, blocks = tmp_path / "rules.yml", tmp_path / "blocks"
    rules.write_text("groups: [{name: g, interval: 15s, rules: [{record: 'job:queue:double', expr: queue * 2}]}]")
    times = (f"--start={SECONDS - 60}", f"--end={SECONDS}")
    making = ["promtool", "tsdb", "create-blocks-from", "rules", *times, f"--url={server.url}"]
    done = subprocess.run(
        [*making, f"--output-dir={blocks}", str(rules)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    (blocks / "wal").mkdir()  # It reads nothing without one.
    dump = ["promtool", "tsdb", "dump", str(blocks)]
    dumped = subprocess.run(dump, capture_output=True, text=True, timeout=30, check=True).stdout
    series, values = zip(*(line.rsplit(" ", 2)[:2] for line in dumped.splitlines()), strict=True)
    assert set(series) == {'{__name__="job:queue:double", job="api"}'}
    assert set(values) >= {"18.5", "19", "19.5"}


def test_promtool_tells_our_errors(server: Server) -> None:
    done = subprocess.run(
        ["promtool", "query", "instant", server.url, "up{"], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert "bad_data" in done.stderr
    assert "parse error" in done.stderr


def test_promtool_finds_us_healthy_and_ready(server: Server) -> None:
    for check in ("healthy", "ready"):
        done = subprocess.run(
            ["promtool", "check", check, f"--url={server.url}"], capture_output=True, text=True, timeout=30, check=False
        )
        if "expected command" in done.stderr:
            pytest.skip("this promtool is older than its command check healthy")
        assert done.returncode == 0, done.stderr
