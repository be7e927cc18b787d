"""The errors of exposition pages.

- ``ExpositionError``: a page cannot be used; nothing of it is stored.
    - ``SyntaxFault``: a line is not of the format; it names the line.
    - ``SampleLimitExceededError``: the page holds more samples than the job allows.
    - ``RefusedSeriesError``: a series of the page is not one that may be stored.
    - ``TooManyLinesError``: the page is longer than we read.
    - ``UnsupportedFormatError``: the page is of a format that we do not read.
"""

from __future__ import annotations

_LONGEST_LINE_SHOWN = 200


class ExpositionError(ValueError):
    """A page cannot be used.

    ``samples`` counts those that were read before it was given up, ``kept`` those of them that were not dropped; both
    as Prometheus counts them.
    """

    samples = 0
    kept = 0


class SyntaxFault(ExpositionError):  # noqa: N818 - SyntaxError is a word of Python's own.
    """A line of a page is not of the format.

    ``line`` counts from 1, ``text`` is the line, cut and with control characters escaped.
    """

    def __init__(self, reason: str, line: int, raw: bytes, samples: int) -> None:
        self.reason = reason
        self.line = line
        self.text = show(raw)
        self.samples = samples
        super().__init__(f'line {line}: {reason}: "{self.text}"')


class SampleLimitExceededError(ExpositionError):
    """A page holds more samples than the job allows: ``samples`` in all, of which ``kept`` were not dropped."""

    def __init__(self, samples: int, kept: int) -> None:
        super().__init__("sample limit exceeded")
        self.samples = samples
        self.kept = kept


class RefusedSeriesError(ExpositionError):
    """Whoever names the series of a page refuses one of them; nothing of the page is stored."""


class TooManyLinesError(ExpositionError):
    """A page is longer than we read."""

    def __init__(self, lines: int, most: int) -> None:
        super().__init__(f"the page has {lines} lines, at most {most} are read")


class UnsupportedFormatError(ExpositionError):
    """A page is of a format that we do not read and did not ask for."""


def show(raw: bytes) -> str:
    """Return bytes of a page as bounded, printable text, with control characters and the like escaped."""
    text = raw[: _LONGEST_LINE_SHOWN * 4].decode("utf-8", "backslashreplace")
    cut = text[:_LONGEST_LINE_SHOWN]
    shown = (
        cut
        if cut.isprintable()
        else "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in cut)
    )
    return shown + ("…" if len(text) > len(cut) or len(raw) > _LONGEST_LINE_SHOWN * 4 else "")
