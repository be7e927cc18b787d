"""When the loops of targets run."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.scrape.loop import ScrapeLoop
from dashboard.scrape.schedule import first_scrape, next_on_grid
from dashboard.scrape.ticker import Tick, Ticker

Entry = Tick
"""What stands in the timetable for one loop."""


class Timetable:
    """Has a ticker run loops on their targets' grids. The grids are those of the wall clock when a loop is entered."""

    def __init__(self, ticker: Ticker, clock: Callable[[], int]) -> None:
        self._ticker = ticker
        self._clock = clock

    def enter(self, loop: ScrapeLoop) -> Entry:
        """Have a new target scraped soon, and from then on once an interval."""
        now = self._clock()
        first = first_scrape(loop.target, now)
        return self._add(loop, first - now, next_on_grid(loop.target, first) - now)

    def enter_on_grid(self, loop: ScrapeLoop) -> Entry:
        """Have a target scraped at the next time of its grid, and from then on once an interval."""
        wait = (loop.target.hash - self._clock()) % loop.target.interval
        return self._add(loop, wait, wait)

    def withdraw(self, entry: Entry) -> None:
        """Run a loop no more."""
        self._ticker.withdraw(entry)

    def _add(self, loop: ScrapeLoop, first: int, grid: int) -> Entry:
        return self._ticker.add(loop.scrape, first=first, grid=grid, interval=loop.target.interval)
