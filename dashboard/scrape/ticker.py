"""When scrapes are due: a heap of times of the monotonic clock, which nobody can set.

A wall clock that is set moves no scrape, so that none is left out and none is made twice. After a pause, such as that
of a suspended machine, what is overdue runs once, and then on the grid that it had before.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

log = logging.getLogger(__name__)

MOST_THREADS = 512
"""So many targets may hang at once before others are late. There are never more threads than have been needed."""


@dataclass(eq=False, slots=True)
class Tick:
    """A task and when it is due: at ``due``, and then every ``interval`` from ``grid`` on (milliseconds)."""

    task: Callable[[], object]
    due: float
    grid: float
    interval: int
    running: bool = field(default=False, init=False)
    withdrawn: bool = field(default=False, init=False)

    def move_on(self, now: float) -> None:
        """Become due at the first time of the grid that is still to come: what was missed is not made up for."""
        missed = max(0, (now - self.grid) // self.interval + 1)
        self.due = self.grid + missed * self.interval

    def run(self) -> None:
        """Run the task once, unless it was withdrawn meanwhile."""
        try:
            if not self.withdrawn:
                self.task()
        except Exception:  # The edge of the thread: what goes wrong once must not end the task.
            log.exception("a scrape failed")
        finally:
            self.running = False


class Agenda:
    """What is due next. It reads no clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Tick]] = []
        self._numbers = itertools.count()

    def add(self, tick: Tick) -> None:
        """Note a tick at the time when it is due."""
        heapq.heappush(self._heap, (tick.due, next(self._numbers), tick))

    def wait(self, now: float) -> float | None:
        """Return for how long nothing is due; ``None`` where nothing ever is."""
        return max(0.0, self._heap[0][0] - now) if self._heap else None

    def take(self, now: float) -> list[Tick]:
        """Return what is due, each tick once, and note it again for its next time."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            tick = heapq.heappop(self._heap)[2]
            if not tick.withdrawn:
                due.append(tick)
                tick.move_on(now)
                self.add(tick)
        return due


class Threads:
    """Threads that are begun as they are needed, up to a limit. The one that ended its work last gets the next."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._threads: list[SimpleQueue[Tick | None]] = []
        self._idle: list[SimpleQueue[Tick | None]] = []
        self._waiting: deque[Tick] = deque()

    def run(self, tick: Tick) -> None:
        """Run a task in a thread that is idle, else in a new one; where there may be no more, later."""
        with self._lock:
            if self._idle:
                self._idle.pop().put(tick)
            elif len(self._threads) < self._most:
                self._begin(tick)
            else:
                self._waiting.append(tick)

    def end(self) -> None:
        """Let every thread end once it has ended its task."""
        with self._lock:
            self._waiting.clear()
            for thread in self._threads:
                thread.put(None)

    def _begin(self, tick: Tick) -> None:
        given: SimpleQueue[Tick | None] = SimpleQueue()
        given.put(tick)
        self._threads.append(given)
        name = f"scrape-{len(self._threads)}"
        threading.Thread(target=self._work, args=(given,), name=name, daemon=True).start()

    def _work(self, given: SimpleQueue[Tick | None]) -> None:
        while tick := given.get():
            tick.run()
            with self._lock:
                if self._waiting:
                    given.put(self._waiting.popleft())
                else:
                    self._idle.append(given)


class Ticker:
    """Runs tasks when they are due, none twice at once, in a pool of threads that grows with what runs at once."""

    def __init__(self, *, most_threads: int = MOST_THREADS) -> None:
        self._agenda = Agenda()
        self._orders: SimpleQueue[Tick | None] = SimpleQueue()
        self._threads = Threads(most_threads)
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Begin to run what is due."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more; what runs is not waited for."""
        self._orders.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._threads.end()

    def add(self, task: Callable[[], object], *, first: float, grid: float, interval: int) -> Tick:
        """Run a task ``first`` milliseconds from now, then ``grid`` from now and each ``interval`` after that."""
        now = _monotonic()
        tick = Tick(task, now + first, now + grid, interval)
        self._orders.put(tick)
        return tick

    def withdraw(self, tick: Tick) -> None:
        """Do not run a task any more."""
        tick.withdrawn = True

    def _run(self) -> None:
        while True:
            for tick in self._agenda.take(_monotonic()):
                self._begin(tick)
            wait = self._agenda.wait(_monotonic())
            try:
                order = self._orders.get(timeout=None if wait is None else wait / 1000)
            except Empty:
                continue
            if order is None:
                return
            self._agenda.add(order)

    def _begin(self, tick: Tick) -> None:
        if tick.running:
            log.debug("a scrape takes longer than its interval")
            return
        tick.running = True
        self._threads.run(tick)


def _monotonic() -> float:
    return time.monotonic_ns() / 1_000_000
