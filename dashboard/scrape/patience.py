"""Questions to the system that may hang for ever."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Patience:
    """Asks each question in a thread of its own, and does not wait for ever for the answer.

    A question that hangs is not asked again before it has ended: at most one thread waits for each. The threads are
    daemons, and so do not keep the process from ending.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, tuple[Future[Any], float]] = {}

    def ask(self, name: str, question: Callable[[], T], seconds: float) -> T:
        """Return the answer; what the question raises comes out.

        While a question of that name is open, this one waits for its answer instead.

        Raises:
            TimeoutError: there was no answer within so many seconds from when the question was asked.
        """
        with self._lock:
            if name not in self._open:
                answer: Future[Any] = Future()
                asking = threading.Thread(target=self._answer, args=(name, question, answer), name=name, daemon=True)
                asking.start()
                self._open[name] = answer, time.monotonic()
            answer, asked = self._open[name]
        result: T = answer.result(max(0.0, asked + seconds - time.monotonic()))
        return result

    def _answer(self, name: str, question: Callable[[], T], answer: Future[T]) -> None:
        try:
            settle = functools.partial(answer.set_result, question())
        except BaseException as error:  # noqa: BLE001 - the edge of a thread; whoever asked gets it.
            settle = functools.partial(answer.set_exception, error)
        # First, so that whoever has this answer and asks again does not get it a second time.
        with self._lock:
            del self._open[name]
        settle()
