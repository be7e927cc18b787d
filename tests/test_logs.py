import logging
from collections.abc import Iterator

import pytest

from dashboard.logs import set_up_logging


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)


def test_one_record_is_one_line_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    logging.getLogger("part").warning("target %s", "a\nlevel=error\x1b[2J\u202e")
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "level=warning" in printed
    assert "logger=part" in printed
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_an_exception_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging()
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("part").exception("job failed")
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "ValueError: broken" in printed
