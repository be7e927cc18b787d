"""The commands, as a person types them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Launcher, free_port, get_json, glass, wait_for

from dashboard import __version__
from dashboard.shipped import shipped_monitoring


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "prometheus.yml"
    file.write_text("scrape_configs: [{job_name: self, static_configs: [{targets: ['localhost:5000']}]}]\n")
    return str(file)


def test_version_is_that_of_the_package(tmp_path: Path) -> None:
    assert __version__ in glass("--version", cwd=tmp_path).stdout


def test_init_writes_the_folder_and_says_how_to_go_on(tmp_path: Path) -> None:
    done = glass("init", "here", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "glass serve --config" in done.stdout
    shipped = {file.relative_to(shipped_monitoring()) for file in shipped_monitoring().rglob("*")}
    written = tmp_path / "here" / "monitoring"
    assert {file.relative_to(written) for file in written.rglob("*")} == shipped


def test_init_does_not_overwrite(tmp_path: Path) -> None:
    (tmp_path / "monitoring").mkdir()
    done = glass("init", cwd=tmp_path)
    assert done.returncode == 1
    assert "nothing was written" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve"], "cannot be read"),
        (["serve", "--retention", "soon"], "not a valid duration"),
        (["serve", "--retention", "0"], "nothing would be kept"),
        (["serve", "--host", "0.0.0.0", "--config", "prometheus.yml"], "refusing to listen on 0.0.0.0"),
        (["demo", "--real", "nobody"], '"nobody" is none of the demo\'s apps'),
        (["demo", "--port", "70000"], "70000 is not in the range"),
        (["serve", "--data-dir", ""], "the folder has no name"),
    ],
)
@pytest.mark.usefixtures("config")
def test_what_the_user_can_mend_is_told_in_words(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = glass(arguments[0], "--data-dir", str(tmp_path / "data"), *arguments[1:], cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_foreign_process_on_the_port_is_named_with_the_option_to_use(tmp_path: Path, config: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = glass("serve", "--config", config, "--port", port, "--data-dir", "data", cwd=tmp_path)
    assert done.returncode == 1
    assert f"(process {os.getpid()})" in done.stderr
    assert "--port" in done.stderr


def test_a_second_server_on_the_same_data_is_refused(launcher: Launcher, config: str, tmp_path: Path) -> None:
    launcher.glass("--config", config)
    done = glass("serve", "--config", config, "--port", "0", "--data-dir", str(tmp_path / "data"), cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_of_two_starts_at_once_one_runs_and_the_other_points_to_it(tmp_path: Path, config: str) -> None:
    command = [sys.executable, "-m", "dashboard", "serve", "--config", config, "--port", str(free_port())]
    folders = [tmp_path / "a", tmp_path / "b"]
    both = [
        subprocess.Popen([*command, "--data-dir", str(folder)], stderr=subprocess.PIPE, text=True) for folder in folders
    ]
    second = wait_for(lambda: next((each for each in both if each.poll() is not None), None), "one of them to end")
    first = next(each for each in both if each is not second)
    said = second.communicate(timeout=30)[1]
    first.terminate()
    first.communicate(timeout=30)
    assert second.returncode == 0, said
    assert "running already" in said


def test_a_broken_rule_file_stops_the_start_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: 'up =='}]}]")
    (tmp_path / "prometheus.yml").write_text("rule_files: [rules.yml]")
    done = glass("serve", "--config", "prometheus.yml", "--port", "0", "--data-dir", "data", cwd=tmp_path)
    assert done.returncode == 1
    assert "rules.yml" in done.stderr
    assert "parse error" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_signal_ends_the_server_cleanly_and_the_data_stays(launcher: Launcher, config: str) -> None:
    first = launcher.glass("--config", config)
    wait_for(lambda: first.query("up"), "a scrape to be stored")
    first.end(signal.SIGTERM)
    assert first.process.returncode == 0
    second = launcher.glass("--config", config)
    values = second.query("count_over_time(up[1h])")
    assert float(values[0]["value"][1]) >= 1


@pytest.fixture
def child(tmp_path: Path, config: str) -> Iterator[subprocess.Popen[str]]:
    """A running server that ends with its standard input, as a launcher starts it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard", "serve", "--config", config, "--port", "0", "--exit-with-stdin"],
        cwd=tmp_path,
        env={**os.environ, "GLASS_COCKPIT_DATA_DIR": str(tmp_path / "data")},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = next(line for line in process.stderr or () if "listening on" in line)
    assert "http://localhost:" in line
    with process:
        yield process
        process.kill()


def test_the_end_of_standard_input_ends_the_server(child: subprocess.Popen[str]) -> None:
    child.communicate(timeout=30)
    assert child.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_closed_input_and_a_signal_together_are_one_wish(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.close()
    child.terminate()
    assert child.wait(30) == 0


def test_our_own_target_is_read_in_process_whatever_the_port(launcher: Launcher, config: str) -> None:
    server = launcher.glass("--config", config)
    assert wait_for(lambda: server.query('up{job="self"} == 1'), "our own target to be up")
    assert get_json(f"{server.url}/api/v1/query", query="prometheus_tsdb_head_series")["data"]["result"]
    assert server.query('{__name__=~".+_created"}') == []


def test_sections_that_are_not_served_are_named_at_the_start(launcher: Launcher, config: str, tmp_path: Path) -> None:
    with Path(config).open("a", encoding="utf-8") as file:
        file.write("remote_write: [{url: 'http://localhost:1/write'}]\n")
    launcher.glass("--config", config)
    log = next(tmp_path.glob("*.log")).read_text(encoding="utf-8")
    assert "remote_write: checked, and not served here" in log


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for a browser is a shell script")
def test_a_second_start_ends_only_once_the_page_is_open(launcher: Launcher, config: str, tmp_path: Path) -> None:
    script, opened = tmp_path / "browser", tmp_path / "opened"
    # A slow one, so that a start which does not wait for it would have ended.
    script.write_text(f'#!/bin/sh\nsleep 0.3\necho "$1" >> "{opened}"\n')
    script.chmod(0o755)
    server = launcher.glass("--config", config, "--no-browser")
    done = subprocess.run(
        [sys.executable, "-m", "dashboard", "serve", "--browser", "--port", server.url.rpartition(":")[2]],
        env={**os.environ, "BROWSER": f"{script} %s"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert opened.read_text().split() == [f"http://localhost:{server.url.rpartition(':')[2]}/"]
