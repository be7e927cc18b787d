"""URLs of a configuration file: what Go's ``url.Parse`` refuses is refused, and passwords in them are never shown."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError, Reader, text_of

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_NO_HOST = r"\s\\^`{|}%\[\]"
_HOST = re.compile(rf"\[[^\]]*\](?::[0-9]*)?|[^{_NO_HOST}:]*|[^{_NO_HOST}]*:[0-9]*")
_USER_INFO = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
_PASSWORD = re.compile(r"(://[^/?#@:\s]*):[^/?#@\s]*@")
_USER = re.compile(r"//[^/@\s]*@")


def split_url(text: str) -> SplitResult:
    """Split a URL into its parts.

    Raises:
        InvalidValueError: Go would not parse it; the message shows no user and password.
    """
    if _CONTROL.search(text):
        raise InvalidValueError("not a URL: invalid control character")
    shown = _USER.sub("//", text)
    scheme = _SCHEME.match(text)
    rest = re.split("[?#]", text[scheme.end() :] if scheme else text, maxsplit=1)[0]
    if not scheme and ":" in rest.partition("/")[0]:
        raise InvalidValueError(f'not a URL: "{shown}": the first path segment cannot contain a colon')
    path = rest if rest.startswith("/") or not scheme else ""
    if _BAD_ESCAPE.search(path) or _BAD_ESCAPE.search(text.partition("#")[2]):
        raise InvalidValueError(f'not a URL: "{shown}": invalid escape')
    user, _, host = rest[2:].partition("/")[0].rpartition("@")
    if rest.startswith("//") and not (_HOST.fullmatch(host) and _USER_INFO.fullmatch(user)):
        raise InvalidValueError(f'not a URL: "{shown}": invalid user, host or port')
    try:
        return urlsplit(text)
    except ValueError as error:
        raise InvalidValueError(f'not a URL: "{shown}"') from error


def require_http(url: str) -> None:
    """Check that a URL names a server that speaks HTTP.

    Raises:
        InvalidValueError: scheme or host are missing, or not those of HTTP.
    """
    parts = split_url(url)
    if parts.scheme not in ("http", "https"):
        raise InvalidValueError("URL scheme must be 'http' or 'https'")
    if not parts.netloc:
        raise InvalidValueError("host is missing in URL")


def without_password(text: str) -> str:
    """Return a text as it may be shown: a password in a URL is replaced, as by Go's ``URL.Redacted``."""
    return _PASSWORD.sub(r"\1:xxxxx@", text)


def _read_url(value: Any, _place: Place) -> str:
    text = str(text_of(value))
    split_url(text)
    return text


Url = Annotated[str, Reader(_read_url)]
"""A key that takes a URL. It may hold a password: show it through :func:`without_password`."""
