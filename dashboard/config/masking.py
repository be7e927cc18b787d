"""Parts of a file that are kept only to be shown: their secrets are replaced as soon as they are read."""

from __future__ import annotations

from typing import Any

from dashboard.config.secret import HIDDEN
from dashboard.config.urls import without_password

_SECRET_KEYS = frozenset(
    (
        "application_credential_secret",
        "application_secret",
        "auth_token",
        "bearer_token",
        "client_secret",
        "consumer_key",
        "credentials",
        "key",
        "password",
        "private_key",
        "proxy_connect_header",
        "secret_key",
        "secrets",
        "service_account_key",
        "token",
    )
)
"""The keys that take a secret in some section that is not served; what stands below one is hidden, too."""


def masked(value: Any, *, secret: bool = False) -> Any:
    """Return loaded YAML with ``<secret>`` in place of every secret, and no password in a URL."""
    if isinstance(value, dict):
        return {key: masked(entry, secret=secret or key in _SECRET_KEYS) for key, entry in value.items()}
    if isinstance(value, list):
        return [masked(entry, secret=secret) for entry in value]
    if value is None:
        return None
    if secret and value:
        return HIDDEN
    shown = without_password(value)
    return value if shown == value else shown
