"""The server as a process: signals, the parent's pipe, the browser, and a second start."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType

from dashboard.cockpit import running
from dashboard.config.prometheus import PrometheusConfig
from dashboard.heaps import share_heaps
from dashboard.settings import Settings
from dashboard.storage import Storage
from dashboard.web import PortTakenError, is_glass_cockpit

if sys.platform != "win32":
    import resource

log = logging.getLogger(__name__)

_FORCED = 1
_FILES = 4096
_TURN_SECONDS = 0.0005
"""For how long a thread that calculates keeps another one waiting; to answer a request takes dozens of such waits."""


def run(
    settings: Settings,
    *,
    browser: bool,
    exit_with_stdin: bool,
    companions: AbstractContextManager[object] | None = None,
    before_scraping: Callable[[Storage, PrometheusConfig], None] | None = None,
) -> None:
    """Run the server until a signal comes or, if asked, standard input ends. SIGHUP has its files read anew.

    ``companions`` live as long as the server. Started a second time on the same port, it opens the running page.

    Raises:
        ConfigError, BindError, DatabaseError, StorageError: the server cannot start.
    """
    if _showed_running_page(settings.port, browser):
        return
    share_heaps()
    _allow_files()
    sys.setswitchinterval(_TURN_SECONDS)
    stop, hangup = _stop_on_signals(), _set_on_hangup()
    if exit_with_stdin:
        threading.Thread(target=_stop_with_stdin, args=(stop,), name="stdin", daemon=True).start()
    try:
        with running(settings, companions=companions, before_scraping=before_scraping) as server:
            if browser:
                # Some browsers keep whoever opens them waiting.
                threading.Thread(target=webbrowser.open, args=(server.url,), name="browser", daemon=True).start()
            # A wait without end cannot be interrupted by Ctrl-C on Windows.
            while not stop.wait(0.5):
                # However many signals came meanwhile, the files are read once.
                if hangup.is_set():
                    hangup.clear()
                    server.reload()
    except PortTakenError:
        # Of two starts at the same moment, one comes second.
        if not _showed_running_page(settings.port, browser):
            raise


def _allow_files() -> None:
    """Have as many connections and files as we are made for, where the system would give fewer unless it is asked."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _showed_running_page(port: int, browser: bool) -> bool:
    """Say whether a Glass Cockpit runs on the port already; if so, open its page."""
    if not port or not is_glass_cockpit(port):
        return False
    page = f"http://localhost:{port}/"
    log.info("Glass Cockpit is running already on %s; to run another one, give it a --port and a --data-dir", page)
    if browser:
        webbrowser.open(page)
    return True


def _stop_on_signals() -> threading.Event:
    """Return an event that the first signal sets; a second one ends the process at once."""
    stop = threading.Event()
    asked = threading.Event()

    def handle(_: int, __: FrameType | None) -> None:
        # The end of standard input may have set ``stop`` already: a launcher sends both at once.
        if asked.is_set():
            os._exit(_FORCED)
        asked.set()
        stop.set()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handle)
    return stop


def _set_on_hangup() -> threading.Event:
    """Return an event that SIGHUP sets, where there is one: the files are to be read anew."""
    hangup = threading.Event()
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: hangup.set())
    return hangup


def _stop_with_stdin(stop: threading.Event) -> None:
    """Wait for the end of the pipe that the parent holds: a closed window or a killed parent closes it."""
    # The descriptor is read directly: a thread inside sys.stdin would hold its lock while Python shuts down.
    descriptor = sys.stdin.fileno()
    try:
        while os.read(descriptor, 1024):
            pass
    except OSError as error:
        log.info("standard input cannot be read any more: %s", error)
    stop.set()
