"""The corpus as one list: each page with its format, whether it is good, and what is stored of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .corpus import openmetrics, quoted, text

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CONTENT_TYPES = {"text": TEXT, "openmetrics": OPENMETRICS}


@dataclass(frozen=True)
class CorpusPage:
    """One page; ``stored`` has a line for each series with its first value, and is ``None`` for a bad page."""

    name: str
    body: bytes
    content_type: str
    stored: list[str] | None

    @property
    def in_quotes(self) -> bool:
        """Whether the page is about names in quotes, which Prometheus 2 does not know."""
        return self.name.startswith("quoted")


def _all() -> Iterator[CorpusPage]:
    for kind, tables in (("text", text), ("openmetrics", openmetrics)):
        for name, (body, stored) in tables.GOOD.items():
            yield CorpusPage(f"{kind}, good: {name}", body, CONTENT_TYPES[kind], stored)
        for name, body in tables.BAD.items():
            yield CorpusPage(f"{kind}, bad: {name}", body, CONTENT_TYPES[kind], None)
    for name, (kind, body, stored) in quoted.GOOD.items():
        yield CorpusPage(f"quoted, good: {name}", body, CONTENT_TYPES[kind], stored)
    for name, (kind, body) in quoted.BAD.items():
        yield CorpusPage(f"quoted, bad: {name}", body, CONTENT_TYPES[kind], None)


CORPUS = list(_all())
NAMES = [page.name for page in CORPUS]
