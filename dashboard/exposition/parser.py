"""Whole pages, read entry by entry with the grammar of their format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from dashboard.exposition import openmetrics, text
from dashboard.exposition.errors import SyntaxFault
from dashboard.exposition.page import Format, Metadata, Page, Sample, format_of
from dashboard.exposition.syntax import About, BadSyntaxError, Entry, MetadataLine, RepeatedLabelError, SampleLine
from dashboard.model.labels import Labels
from dashboard.model.samples import IntArray

# More of a bad line than can be shown.
_LONGEST_LINE = 4096


@dataclass(frozen=True, slots=True)
class Grammar:
    """How to read one format: an entry at a place, whether a page may end as it does, timestamps, exemplars."""

    read_entry: Callable[[bytes, int], tuple[Entry, int]]
    check_end: Callable[[bytes], None]
    read_timestamps: Callable[[Sequence[bytes]], IntArray]
    has_exemplars: bool


GRAMMARS = {
    Format.TEXT: Grammar(text.read_entry, lambda _: None, text.read_timestamps, has_exemplars=False),
    Format.OPENMETRICS: Grammar(
        openmetrics.read_entry, openmetrics.check_end, openmetrics.read_timestamps, has_exemplars=True
    ),
}


def parse(body: bytes, content_type: str = "") -> Page:
    """Read a whole page.

    Raises:
        SyntaxFault: a line is not of the format; the error names the first one.
        UnsupportedFormatError: the content type is one that we do not read.
    """
    samples: list[Sample] = []
    told: list[MetadataLine] = []
    for entry in _entries(body, GRAMMARS[format_of(content_type)]):
        if isinstance(entry, SampleLine):
            samples.append(Sample(Labels.of(entry.labels), entry.value, entry.timestamp, entry.exemplar))
        elif entry is not None:
            told.append(entry)
    return Page(samples, gather_metadata(told))


def _entries(body: bytes, grammar: Grammar) -> Iterator[Entry]:
    at = samples = 0
    try:
        while at < len(body):
            entry, behind = grammar.read_entry(body, at)
            samples += isinstance(entry, SampleLine)
            yield entry
            at = behind
        grammar.check_end(body)
    except BadSyntaxError as error:
        raise_fault(body, at, error, samples)


def raise_fault(body: bytes, at: int, error: BadSyntaxError, samples: int) -> NoReturn:
    """Raise the error of a page for what was found in the entry that begins at ``at``, after so many samples.

    Raises:
        SyntaxFault: always.
    """
    end = body.find(b"\n", at)
    line = body[at : min(end if end >= 0 else len(body), at + _LONGEST_LINE)]
    counted = samples + isinstance(error, RepeatedLabelError)
    raise SyntaxFault(str(error), body.count(b"\n", 0, at) + 1, line, counted) from error


def gather_metadata(told: Iterable[MetadataLine]) -> dict[str, Metadata]:
    """Join what a page tells of each metric; the last word counts."""
    found: dict[str, Metadata] = {}
    for line in told:
        known = found.get(line.metric, Metadata())
        if line.about is About.TYPE:
            found[line.metric] = replace(known, type=line.type)
        elif line.about is About.HELP:
            found[line.metric] = replace(known, help=line.text)
        else:
            found[line.metric] = replace(known, unit=line.text)
    return found
