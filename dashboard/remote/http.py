"""How a server is asked over HTTP by the commands: nothing comes from the user's own files, and errors are short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

import dashboard
from dashboard.remote.errors import UnreachableError

_AGENT = {"User-Agent": f"glass-cockpit/{dashboard.__version__}"}


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    timeout: float,
    params: Mapping[str, Any] | None = None,
    data: Any = None,
    follow: bool = True,
) -> requests.Response:
    """Send a request and return the answer, whatever its status; ``timeout`` is in seconds, 0 for none.

    Raises:
        UnreachableError: there is none.
    """
    # A bare name of a host, as people type it.
    url = url if "://" in url else f"http://{url}"
    try:
        with requests.Session() as session:
            # What netrc holds for a host is not for whoever a command names.
            session.trust_env = False
            return session.request(
                method,
                url,
                params=params,
                data=data,
                headers={**_AGENT, **headers},
                timeout=timeout if timeout > 0 else None,
                allow_redirects=follow,
            )
    except (requests.RequestException, UnicodeError) as error:
        raise UnreachableError(method, url, _reason(error)) from error


def _reason(error: BaseException) -> str:
    """Return what is at the bottom of an error: what the system said, where it said something."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(getattr(error, "strerror", "") or error)
