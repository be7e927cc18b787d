"""``glass export`` and ``glass import``, as a person types them."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dashboard.cli import main
from dashboard.database import Database
from dashboard.database.connection import connect_reader
from dashboard.database.lock import DirectoryLock
from dashboard.migrations import MIGRATIONS

SAMPLES = 'up{job="a"} 1 1700000000\nup{job="a"} 0 1700000015.5\nhits_total 7 1700000000\n# EOF\n'


@pytest.fixture(autouse=True)
def no_log_of_commands() -> Iterator[None]:
    """Take back what a command sets up for the whole process."""
    import logging

    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]


def glass(*arguments: object, text: str = "") -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=text)


def test_what_is_imported_is_exported_again(tmp_path: Path) -> None:
    file = tmp_path / "in.om"
    file.write_text(SAMPLES)
    done = glass("import", "--data-dir", tmp_path / "data", file)
    assert done.exit_code == 0, done.output
    assert "imported 3 new samples of 2 series" in done.stdout
    assert "older than the retention of 30d" in done.stderr
    out = tmp_path / "out.om"
    assert glass("export", "--data-dir", tmp_path / "data", out).exit_code == 0
    assert sorted(out.read_text().splitlines()) == sorted(SAMPLES.splitlines())
    assert out.read_text().endswith("# EOF\n")


def test_standard_input_and_output_are_named_by_a_dash(tmp_path: Path) -> None:
    assert glass("import", "--data-dir", tmp_path, "-", text=SAMPLES).exit_code == 0
    shown = glass("export", "--data-dir", tmp_path, "--match", "up", "--start", "1700000001", "-")
    assert shown.stdout == 'up{job="a"} 0 1700000015.5\n# EOF\n'


def test_blocks_are_as_long_as_the_setting_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = "".join(f"load 1 {1_700_000_000 + hour * 3600}\n" for hour in range(100)) + "# EOF\n"
    longest = {}
    for length in ("2h", "1m"):
        monkeypatch.setenv("GLASS_COCKPIT_BLOCK_LENGTH", length)
        assert glass("import", "--data-dir", tmp_path / length, "-", text=page).exit_code == 0
        with connect_reader(tmp_path / length / "cockpit.db") as connection:
            longest[length] = connection.execute("SELECT max(end - start) FROM blocks").fetchone()[0]
        connection.close()
    assert longest["2h"] == 120 * longest["1m"]


@pytest.mark.parametrize("command", [["export"], ["import", "-"]])
def test_a_directory_in_use_is_refused_in_one_line(tmp_path: Path, command: list[str]) -> None:
    lock = DirectoryLock(tmp_path)
    (tmp_path / "cockpit.db").touch()
    refused = glass(command[0], "--data-dir", tmp_path, *command[1:], text=SAMPLES)
    lock.release()
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"Error: {tmp_path} is in use by another process; stop it first, or choose another data directory\n"
    )


def test_a_directory_without_data_is_told_and_not_made(tmp_path: Path) -> None:
    refused = glass("export", "--data-dir", tmp_path / "none")
    assert refused.exit_code == 1
    assert "holds no data of Glass Cockpit" in refused.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--match", "sum(up)"], "is not a series selector"),
        (["--match", "up{"], "--match"),
        (["--start", "yesterday"], "--start"),
    ],
)
def test_options_that_mean_nothing_are_refused(tmp_path: Path, arguments: list[str], told: str) -> None:
    refused = glass("export", "--data-dir", tmp_path, *arguments)
    assert refused.exit_code == 2
    assert told in refused.stderr


def test_a_bad_line_is_named_and_nothing_is_imported(tmp_path: Path) -> None:
    refused = glass("import", "--data-dir", tmp_path, "-", text="up 1 5\nup one 6\n# EOF\n")
    assert refused.exit_code == 1
    assert "line 2" in refused.stderr
    assert "nothing was imported" in refused.stderr
    assert glass("export", "--data-dir", tmp_path).stdout == "# EOF\n"


GATHER_LESS = """
from dashboard.cli import main
from dashboard.storage import openmetrics_import
openmetrics_import._GATHERED = 100_000
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_an_import_that_was_killed_leaves_nothing(tmp_path: Path) -> None:
    assert glass("import", "--data-dir", tmp_path, "-", text=SAMPLES).exit_code == 0
    before = glass("export", "--data-dir", tmp_path).stdout
    chance = random.Random(1)
    # Numbers that do not get smaller, so that blocks are being written; the end never comes.
    page = "".join([f"load {chance.random()!r} {1_600_000_000 + second}\n" for second in range(500_000)])
    command = [sys.executable, "-c", GATHER_LESS, "import", "--data-dir", str(tmp_path), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as importing:
        assert importing.stdin
        importing.stdin.write(page.encode())
        deadline = time.monotonic() + 60
        while blocks_begun(tmp_path) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        importing.send_signal(signal.SIGKILL)
        importing.stdin.close()
    assert blocks_begun(tmp_path) >= 2
    assert glass("export", "--data-dir", tmp_path).stdout == before


def blocks_begun(directory: Path) -> int:
    with connect_reader(directory / "cockpit.db") as connection:
        count = int(connection.execute("SELECT count(*) FROM blocks").fetchone()[0])
    connection.close()
    return count


def test_a_backup_is_restored_and_the_old_data_is_moved_aside(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    glass("import", "--data-dir", data, "-", text=SAMPLES)
    assert glass("backup", "--data-dir", data, copy).exit_code == 0
    before = glass("export", "--data-dir", data).stdout
    glass("import", "--data-dir", data, "-", text="later 1 5\n# EOF\n")
    done = glass("restore", "--data-dir", data, copy)
    assert done.exit_code == 0, done.output
    assert f"the old database is {data / 'cockpit.db'}.before-" in done.stdout
    assert glass("export", "--data-dir", data).stdout == before
    lock = DirectoryLock(data)
    # A copy may be made of a directory in use; it is not put back into one.
    assert glass("backup", "--data-dir", data, tmp_path / "another.db").exit_code == 0
    refused = glass("restore", "--data-dir", data, copy)
    lock.release()
    assert refused.exit_code == 1
    assert "is in use by another process" in refused.stderr


def test_the_schema_is_shown_taken_back_and_applied_again(tmp_path: Path) -> None:
    Database.open(tmp_path, MIGRATIONS).close()
    shown = glass("schema", "status", "--data-dir", tmp_path)
    assert shown.exit_code == 0
    last = shown.stdout.split()[-1]
    done = glass("schema", "downgrade", "--data-dir", tmp_path)
    assert done.exit_code == 0, done.output
    assert f"took back  {last}" in done.stdout
    assert [file.suffix for file in tmp_path.glob("cockpit.db.before-*")]
    shown = glass("schema", "status", "--data-dir", tmp_path)
    assert (shown.exit_code, shown.stdout.splitlines()[-1]) == (1, f"pending  {last}")
    assert glass("schema", "upgrade", "--data-dir", tmp_path).stdout == f"applied  {last}\n"
    assert glass("schema", "status", "--data-dir", tmp_path).exit_code == 0
    refused = glass("schema", "downgrade", "--data-dir", tmp_path, "--to", "storage.m999")
    assert refused.exit_code == 1
    assert "was not applied" in refused.stderr
    assert len(list(tmp_path.glob("cockpit.db.before-*"))) == 1
