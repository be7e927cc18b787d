"""Fixtures of the tests of rules."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a world of its own for each test."""
    made = World(tmp_path)
    try:
        yield made
    finally:
        made.close()
