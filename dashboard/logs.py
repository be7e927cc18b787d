"""Logging: one record, one line of logfmt on stderr, with control characters escaped."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def set_up_logging(level: int = logging.INFO) -> None:
    """Send every logger's records to stderr as ``time= level= logger= msg=``."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", key="time"),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("msg"),
            structlog.processors.LogfmtRenderer(key_order=["time", "level", "logger", "msg"], drop_missing=True),
            _printable,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("apscheduler", "waitress.queue", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def _printable(_: object, __: str, line: Any) -> str:
    """Escape what a terminal or a log reader would take for more than text: a label may hold a line of its own."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in line)
