"""The files that pages load: found, named by their content and compressed once, when the server starts."""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_FOLDER = Path(__file__).with_name("static")
_FRESH = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_NOT_SERVED = ("manifest.json", "STAMP", "FAILED.txt")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent."""

    body: bytes
    zipped: bytes
    content_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a page must load for one entry of the front end; names below ``/static/``."""

    script: str
    styles: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assets:
    """All static files by the name that they are served under."""

    files: dict[str, StaticFile] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    style: str = ""
    """The style sheet of every page."""
    problem: str = ""
    """Why the front end is missing, or the empty string."""


def load_assets(folder: Path = _FOLDER) -> Assets:
    """Read the style sheet and what the build of the front end has left in ``dist``.

    A missing or broken build is no error: the pages work without, and :attr:`Assets.problem` says why.
    """
    sheet = (folder / "cockpit.css").read_bytes()
    style = f"cockpit-{hashlib.sha256(sheet).hexdigest()[:8]}.css"
    files = {style: _static_file(style, sheet)}
    try:
        manifest = json.loads((folder / "dist" / "manifest.json").read_bytes())
        entries = {name: _entry(found) for name, found in manifest.items()}
        files |= {name: _static_file(name, body) for name, body in _built(folder / "dist")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Assets(files, {}, style, _reason(folder, error))
    return Assets(files, entries, style)


def _built(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.iterdir()):
        if path.name not in _NOT_SERVED and path.is_file():
            yield path.name, path.read_bytes()


def _entry(found: dict[str, object]) -> Entry:
    return Entry(str(found["file"]), tuple(map(str, found["css"])), tuple(map(str, found["imports"])))  # type: ignore[call-overload]


def _reason(folder: Path, error: Exception) -> str:
    try:
        return (folder / "dist" / "FAILED.txt").read_text(encoding="utf-8").strip()
    except OSError:
        if isinstance(error, FileNotFoundError):
            return "The front end has not been built."
        return f"What was built cannot be read: {error}."


def _static_file(name: str, body: bytes) -> StaticFile:
    suffix = Path(name).suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    # Zeroing the time makes the same file the same bytes at each start.
    return StaticFile(body, gzip.compress(body, 9, mtime=0), kind, _FRESH if suffix == ".txt" else _FOR_EVER)
