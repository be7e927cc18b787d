"""The mounted volumes, and questions to them that may hang.

The system may take minutes to answer for a network drive whose server is gone, or for ever: such a volume fails, and
the others are told all the same.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import psutil

from dashboard.scrape.patience import Patience

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 1.0
_LEAST_SECONDS = 0.05

Answer = TypeVar("Answer")


class Volumes:
    """Lists volumes and asks each a question; all that hang together cost ``patience`` seconds, and little more."""

    def __init__(self, *, everything: bool, patience: float = _PATIENCE_SECONDS) -> None:
        self._everything = everything
        self._seconds = patience
        self._patience = Patience()
        self._listed: Sequence[Any] | None = None

    def ask(
        self, question: Callable[[str], Answer], wanted: Callable[[Any], bool]
    ) -> Iterator[tuple[Any, Answer | None]]:
        """Yield each volume that is wanted, once, with its answer to a question about its mount point.

        A volume that fails or does not answer in time has none.

        Raises:
            TimeoutError: the system has never told yet which volumes there are.
        """
        deadline = time.monotonic() + self._seconds
        for volume in self._volumes():
            if wanted(volume):
                yield volume, self._answer(volume.mountpoint, question, deadline)

    def _volumes(self) -> list[Any]:
        try:
            self._patience.ask("the list of file systems", self._list, self._seconds)
        except TimeoutError:
            # Windows asks each drive for its name: until the dead one has timed out, the last list serves.
            if self._listed is None:
                raise
        found = {(each.device, each.fstype, each.mountpoint): each for each in self._listed or ()}
        return list(found.values())

    def _list(self) -> None:
        self._listed = psutil.disk_partitions(all=self._everything)

    def _answer(self, mountpoint: str, question: Callable[[str], Answer], deadline: float) -> Answer | None:
        left = max(_LEAST_SECONDS, deadline - time.monotonic())
        try:
            return self._patience.ask(mountpoint, lambda: question(mountpoint), left)
        except OSError as error:
            log.debug("the file system at %s cannot be asked: %s", mountpoint, error)
            return None
