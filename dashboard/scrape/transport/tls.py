"""TLS: what of a server is trusted, and what it is shown."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from urllib3.util.ssltransport import SSLTransport

from dashboard.config.http_client import TlsConfig, TlsVersion
from dashboard.scrape.deadline import Deadline
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.transport.files import versions

_VERSIONS = {
    TlsVersion.TLS10: ssl.TLSVersion.TLSv1,
    TlsVersion.TLS11: ssl.TLSVersion.TLSv1_1,
    TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3,
}


class Tls:
    """Makes connections secure as one ``tls_config`` says. Threads may share it."""

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self._files = tuple(path for path in (config.ca_file, config.cert_file, config.key_file) if path)
        self._lock = threading.Lock()
        self._contexts: dict[bool, tuple[object, ssl.SSLContext]] = {}

    def context(self, deadline: Deadline, *, certified: bool) -> ssl.SSLContext:
        """Return the settings of a connection, another object after a file was changed.

        ``certified`` says whether the server may be shown the client's certificate.

        Raises:
            FetchError: a file or what is in it cannot be used.
            TimeoutError: the files cannot be read in time.
        """
        version = versions(self._files, deadline) if self._files else ()
        with self._lock:
            known = self._contexts.get(certified)
            if known is None or known[0] != version:
                known = version, self._new_context(certified=certified)
                self._contexts[certified] = known
            return known[1]

    def secure(self, sock: socket.socket, host: str, context: ssl.SSLContext) -> socket.socket:
        """Begin TLS on a connection.

        Raises:
            FetchError: the name to ask for is none.
            OSError: the server is not the one that was asked for, or does not speak TLS.
        """
        name = self._config.server_name or host
        try:
            if isinstance(sock, ssl.SSLSocket):
                # Python's own sockets do not nest.
                return SSLTransport(sock, context, server_hostname=name)  # type: ignore[return-value]
            return context.wrap_socket(sock, server_hostname=name)
        except ssl.SSLError:
            raise
        except ValueError as error:
            raise FetchError(Layer.TLS, str(error)) from None

    def _new_context(self, *, certified: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._set_versions(context)
        try:
            self._trust(context)
            if certified:
                self._certify(context)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not in PEM"
            raise FetchError(Layer.TLS, f"unable to use the certificates of tls_config: {reason}") from None
        return context

    def _set_versions(self, context: ssl.SSLContext) -> None:
        config = self._config
        context.minimum_version = _VERSIONS[config.min_version or TlsVersion.TLS12]
        if config.max_version:
            context.maximum_version = _VERSIONS[config.max_version]

    def _trust(self, context: ssl.SSLContext) -> None:
        config = self._config
        if config.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif config.ca or config.ca_file:
            context.load_verify_locations(config.ca_file or None, cadata=config.ca or None)
        else:
            _trust_the_system(context)

    def _certify(self, context: ssl.SSLContext) -> None:
        config = self._config
        if not (config.cert or config.cert_file):
            return
        with (
            _as_file(config.cert, config.cert_file) as certificate,
            _as_file(config.key.reveal(), config.key_file) as key,
        ):
            # Without a password here, OpenSSL would ask the terminal for that of an encrypted key.
            context.load_cert_chain(certificate, key, password="")


def _trust_the_system(context: ssl.SSLContext) -> None:
    context.load_default_certs()
    paths = ssl.get_default_verify_paths()
    if sys.platform != "win32" and not (paths.cafile or paths.capath):
        # Some Pythons, such as that of python.org for macOS, find no authorities of the system.
        from requests.utils import DEFAULT_CA_BUNDLE_PATH

        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)


@contextlib.contextmanager
def _as_file(text: str, path: str) -> Iterator[str]:
    """Give a text as a file that only we can read: OpenSSL takes certificates and keys from nothing else."""
    if path:
        yield path
        return
    handle, name = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        yield name
    finally:
        Path(name).unlink()
