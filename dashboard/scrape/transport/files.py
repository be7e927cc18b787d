"""Files that requests need: read at each use, so that a changed one counts at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dashboard.scrape.deadline import Deadline
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.patience import Patience

# A file may lie on a drive of a dead network.
_READS = Patience()


def read_secret(path: str, deadline: Deadline) -> str:
    """Return the text of a file without the white space around it.

    Raises:
        FetchError: it cannot be read, or is not UTF-8.
        TimeoutError: it cannot be read in time.
    """
    try:
        return _READS.ask(f"read {path}", lambda: Path(path).read_text(encoding="utf-8"), deadline.left()).strip()
    except TimeoutError:
        raise
    except (OSError, ValueError) as error:
        # The text itself would be in a UnicodeError.
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise FetchError(Layer.CREDENTIALS, f"unable to read file {path}: {reason}") from None


def versions(paths: Sequence[str], deadline: Deadline) -> tuple[tuple[int, int, int], ...]:
    """Return what is different once one of the files has been changed.

    Raises:
        FetchError: one of them is not there.
        TimeoutError: it cannot be told in time.
    """
    try:
        return _READS.ask(f"stat {paths}", lambda: tuple(_version(path) for path in paths), deadline.left())
    except TimeoutError:
        raise
    except OSError as error:
        raise FetchError(Layer.CREDENTIALS, f"unable to read file {error.filename}: {error.strerror}") from None


def _version(path: str) -> tuple[int, int, int]:
    stat = Path(path).stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
