"""``python -m simulators [APP...]``: starts the named apps, or all six, each in a process of its own."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

from simulators.apps import APPS, UnknownAppError, apps_named
from simulators.fleet import PORT_BASE, Fleet, chosen_seed
from simulators.loopback import PortTakenError
from simulators.model import App

PORT_TAKEN = 3
"""The exit status of a process whose port another one has."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        apps = apps_named(options.apps)
    except UnknownAppError as error:
        return _fail(str(error), 2)
    stop = _stop_event(end_with_stdin=options.exit_with_stdin)
    if options.serve:
        return _serve(apps, options.port, options.seed, stop)
    return _run_fleet(apps, options.port_base, options.seed, stop)


def _parser() -> argparse.ArgumentParser:
    names = ", ".join(app.name for app in APPS)
    parser = argparse.ArgumentParser(prog="python -m simulators", description=f"Simulate these apps: {names}.")
    parser.add_argument("apps", nargs="*", metavar="APP", help="an app to simulate (default: all)")
    parser.add_argument("--port-base", type=int, default=PORT_BASE, metavar="N", help="the first app's port")
    parser.add_argument("--seed", type=int, metavar="N", help="the seed of the traffic (default: random)")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input ends")
    parser.add_argument("--serve", action="store_true", help="serve one app in this very process")
    parser.add_argument("--port", type=int, metavar="N", help="with --serve: the port, 0 for a free one")
    return parser


def _serve(apps: Sequence[App], port: int | None, seed: int | None, stop: threading.Event) -> int:
    # It takes most of the memory, and the parent of a fleet does not need it.
    from simulators.server import SiteServer

    if len(apps) != 1:
        return _fail("--serve needs exactly one app.", 2)
    app = apps[0]
    try:
        server = SiteServer(app, app.port if port is None else port, seed=chosen_seed(seed), clock=_now_ms)
    except PortTakenError as error:
        return _fail(str(error), PORT_TAKEN)
    server.start()
    # The threads and sockets end with the process, at once.
    _wait(stop)
    return 0


def _run_fleet(apps: Sequence[App], port_base: int, seed: int | None, stop: threading.Event) -> int:
    fleet = Fleet(apps, seed=seed, port_base=port_base)
    try:
        fleet.start()
    except PortTakenError as error:
        return _fail(str(error), PORT_TAKEN)
    try:
        for app in apps:
            sys.stdout.write(f"{app.name}: http://localhost:{fleet.ports[app.name]}/metrics\n")
        sys.stdout.flush()
        _wait(stop, until=lambda: bool(fleet.ended()))
        ended = fleet.ended()
    finally:
        fleet.stop()
    for name, status in ended.items():
        return _fail(f"The process of {name} ended with status {status}.", 1)
    return 0


def _stop_event(*, end_with_stdin: bool) -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if end_with_stdin:
        threading.Thread(target=_watch_stdin, args=(stop,), daemon=True).start()
    return stop


def _watch_stdin(stop: threading.Event) -> None:
    # Read from the descriptor: a thread that is inside of sys.stdin at the end would stop the interpreter from ending.
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    stop.set()


def _wait(stop: threading.Event, until: Callable[[], bool] = lambda: False) -> None:
    # Windows does not wake a thread that waits without end for a signal.
    while not stop.wait(1.0) and not until():
        pass


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"{message}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
