"""``glass check metrics`` tells what would be stored, what is refused and where, and what is unusual."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dashboard.cli import main


def check(*arguments: str, page: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["check", "metrics", *arguments], input=page)


@pytest.fixture
def address() -> Iterator[str]:
    """Serve one page of OpenMetrics."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0")
            self.end_headers()
            self.wfile.write(b'# HELP a x\n# TYPE a counter\na_total 1 # {x="y"} 1\n# EOF\n')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it.
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_good_page_from_standard_input() -> None:
    result = check(page=b"# HELP a x\na 1\n")
    assert (result.exit_code, result.output) == (0, "SUCCESS: 1 samples of 1 series would be stored\n")


def test_samples_are_shown_on_request() -> None:
    result = check("--samples", "-", page=b'# HELP a x\na{b="c"} 1\na 2 1500\na 3\na 4\n')
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        'a{b="c"} 1.0',
        "a 2.0 @1.500",
        "a 3.0",
        "SUCCESS: 3 samples of 2 series would be stored",
    ]
    assert result.stderr.splitlines() == ["1 samples would be dropped, since their series come before:", "  a"]


def test_a_bad_line_is_named() -> None:
    result = check(page=b"a 1\nb two\n")
    assert result.exit_code == 1
    assert result.output == (
        'FAILED: line 2: invalid value: not a number: "b two"\nNothing of the page would be stored.\n'
    )


def test_what_is_unusual_is_said_and_is_no_failure() -> None:
    result = check(page=b"a_ms 1\n")
    assert result.exit_code == 3
    assert result.stderr.splitlines() == ["a_ms metric names should not contain abbreviated units", "a_ms no help text"]


def test_a_file_that_ends_as_openmetrics_is_openmetrics(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.write_bytes(b"# HELP a x\na  1\n# EOF\n")
    assert check(str(page)).exit_code == 1
    page.write_bytes(b"# HELP a x\na  1\n")
    assert check(str(page)).exit_code == 0


def test_a_page_that_is_not_there(tmp_path: Path, address: str) -> None:
    assert "No such file" in check(str(tmp_path / "none")).output
    result = check(f"{address}/none")
    assert (result.exit_code, "404" in result.output) == (1, True)


def test_a_page_from_a_server_is_read_as_a_target_is(address: str) -> None:
    result = check("--samples", f"{address}/metrics")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "a_total 1.0")
