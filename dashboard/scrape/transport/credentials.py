"""What a request shows to be let in: passwords, tokens and headers, each secret read when it is needed."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, quote_plus

import msgspec
import orjson

from dashboard.config.http_client import BasicAuth, HttpClientConfig, OAuth2
from dashboard.config.secret import Secret
from dashboard.scrape.deadline import Deadline
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.transport.files import read_secret

# A token that ends so soon is not used any more (golang.org/x/oauth2).
_SPARE_SECONDS = 10.0
_TYPES = {"": "Bearer", "bearer": "Bearer", "mac": "MAC", "basic": "Basic"}


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What a token endpoint answered."""

    status: int
    body: bytes


PostForm = Callable[[Mapping[str, str], str, Deadline], TokenAnswer]
"""Sends a form (with an ``Authorization`` where it is not empty) to the token endpoint."""


class Credentials:
    """The headers that let a request in. Threads may share them, and then share one token."""

    def __init__(self, config: HttpClientConfig, post_token: PostForm | None) -> None:
        self._config = config
        self._token = _Token(config.oauth2, post_token) if config.oauth2 and post_token else None

    def headers(self, deadline: Deadline) -> dict[str, str]:
        """Return the headers to send.

        Raises:
            FetchError: a secret cannot be read, or no token is to be had.
            TimeoutError: not before the deadline.
        """
        config = self._config
        headers = {
            name: ", ".join(
                (
                    *header.values,
                    *(secret.reveal() for secret in header.secrets),
                    *(read_secret(path, deadline) for path in header.files),
                )
            )
            for name, header in config.http_headers.items()
        }
        authorization = self._authorization(deadline)
        return headers | ({"Authorization": authorization} if authorization else {})

    def were_refused(self) -> None:
        """Get a new token for the next request."""
        if self._token:
            self._token.forget()

    def _authorization(self, deadline: Deadline) -> str:
        config = self._config
        if config.basic_auth:
            return basic(*_name_and_password(config.basic_auth, deadline))
        if config.authorization:
            given = config.authorization
            return f"{given.type} {_secret(given.credentials, given.credentials_file, deadline)}".strip()
        return self._token.header(deadline) if self._token else ""


def basic(name: str, password: str) -> str:
    """Return the value of an ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode("ascii")


def _name_and_password(given: BasicAuth, deadline: Deadline) -> tuple[str, str]:
    name = read_secret(given.username_file, deadline) if given.username_file else given.username
    return name, _secret(given.password, given.password_file, deadline)


def _secret(text: Secret, path: str, deadline: Deadline) -> str:
    return read_secret(path, deadline) if path else text.reveal()


class _Grant(msgspec.Struct, frozen=True):
    access_token: str = ""
    token_type: str = ""
    expires_in: float = 0


class _Token:
    """A token got for client credentials, kept until it expires (RFC 6749, section 4.4)."""

    def __init__(self, config: OAuth2, post: PostForm) -> None:
        self._config = config
        self._post = post
        self._lock = threading.Lock()
        self._header = ""
        self._secret = ""
        self._until = 0.0

    def header(self, deadline: Deadline) -> str:
        secret = _secret(self._config.client_secret, self._config.client_secret_file, deadline)
        # One request for a token at a time, for all targets.
        if not self._lock.acquire(timeout=deadline.left()):
            raise TimeoutError("another request for a token takes too long")
        try:
            if not self._header or secret != self._secret or time.monotonic() >= self._until:
                self._renew(secret, deadline)
            return self._header
        finally:
            self._lock.release()

    def forget(self) -> None:
        self._until = 0.0

    def _renew(self, secret: str, deadline: Deadline) -> None:
        asked = time.monotonic()
        grant = self._grant(secret, deadline)
        self._header = f"{_TYPES.get(grant.token_type.lower(), grant.token_type)} {grant.access_token}"
        self._secret = secret
        self._until = asked + grant.expires_in - _SPARE_SECONDS if grant.expires_in else float("inf")

    def _grant(self, secret: str, deadline: Deadline) -> _Grant:
        answer = TokenAnswer(0, b"")
        for form, authorization in self._ways(secret):
            answer = self._post(form, authorization, deadline)
            if answer.status == 200:
                return _grant_in(answer.body)
        raise FetchError(Layer.OAUTH2, f"the token endpoint answered with HTTP status {answer.status}")

    def _ways(self, secret: str) -> Iterator[tuple[dict[str, str], str]]:
        """Yield the two ways in which endpoints take a client's secret, as Go tries them."""
        config = self._config
        form = {"grant_type": "client_credentials"}
        if config.scopes:
            form["scope"] = " ".join(config.scopes)
        form |= config.endpoint_params
        yield form, basic(quote_plus(config.client_id), quote_plus(secret))
        yield form | {"client_id": config.client_id, "client_secret": secret}, ""


def _grant_in(body: bytes) -> _Grant:
    try:
        grant = msgspec.convert(_fields(body), _Grant, strict=False)
    except ValueError:
        raise FetchError(Layer.OAUTH2, "the token endpoint's answer is not a token") from None
    if not grant.access_token:
        raise FetchError(Layer.OAUTH2, "the token endpoint's answer has no access_token")
    return grant


def _fields(body: bytes) -> object:
    if body.lstrip()[:1] == b"{":
        return orjson.loads(body)
    # Some endpoints answer with a form.
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8")).items()}
