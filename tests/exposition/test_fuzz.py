"""Whatever a page holds, reading it ends with samples or an error of ours, in time and memory bounded by its size."""

from __future__ import annotations

import time
import tracemalloc
from contextlib import suppress

import pytest

from dashboard.exposition.errors import ExpositionError
from dashboard.exposition.lint import lint
from dashboard.exposition.parser import parse
from dashboard.exposition.reader import PageReader

from .damage import damaged
from .hazards import HAZARDS
from .pages import CORPUS
from .prometheus import Served
from .readings import Numbers, read, told

PAGES = [Served(page.body, page.content_type) for page in CORPUS if len(page.body) < 1000]


def fuzz(count: int, seed: int) -> int:
    """Read damaged pages with the parser and with a reader that knows many others; return how many were good."""
    good = 0
    for number, page in enumerate(damaged(PAGES, count, seed)):
        if number % 1000 == 0:
            numbers = Numbers()
            reader = PageReader(numbers.resolve)
        expected = told(page.body, page.content_type)
        assert read(reader, numbers, page.body, page.content_type) == expected, page
        if not isinstance(expected, str):
            good += 1
            lint(parse(page.body, page.content_type))
    return good


def test_damaged_pages_end_in_samples_or_errors_of_ours() -> None:
    assert 500 < fuzz(5_000, seed=2) < 3_500


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_million_damaged_pages_end_in_samples_or_errors_of_ours() -> None:
    assert 100_000 < fuzz(1_000_000, seed=int(time.time())) < 700_000


def read_hazard(name: str, size: int) -> int:
    """Read a hazard as a target's first page, and return how large it is."""
    content_type, build = HAZARDS[name]
    body = build(size)
    with suppress(ExpositionError):
        PageReader(lambda _: 0).read(body, content_type)
    return len(body)


@pytest.mark.parametrize("name", HAZARDS)
def test_a_page_takes_memory_bounded_by_its_size(name: str) -> None:
    tracemalloc.start()
    try:
        size = read_hazard(name, 100_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The lines of one piece of a page are taken apart at once.
    assert peak < 20 * size + 6_000_000


@pytest.mark.long
@pytest.mark.parametrize("name", HAZARDS)
def test_a_page_takes_at_most_a_millisecond_a_kilobyte(name: str) -> None:
    begun = time.process_time()
    size = read_hazard(name, 1_000_000)
    assert time.process_time() - begun < size / 1000 * 0.002
