"""The errors of the remote protocols.

- ``RemoteError``: a message cannot be used, or could not be delivered.

  - ``BadMessageError``: what was sent is no message of the protocol, or one too large.
  - ``PushError``: a server did not take what was sent to it.

    - ``UnreachableError``: it gave no answer.
"""

from __future__ import annotations


class RemoteError(Exception):
    """A message cannot be used, or could not be delivered."""


class BadMessageError(RemoteError):
    """What was sent is no message of the protocol, or one too large."""


class PushError(RemoteError):
    """A server did not take what was sent to it."""


class UnreachableError(PushError):
    """A server gave no answer."""

    def __init__(self, method: str, url: str, reason: str) -> None:
        super().__init__(f'{method.title()} "{url}": {reason}')
