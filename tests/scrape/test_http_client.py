"""Servers are asked as the configuration says, and no secret goes where it should not."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest

from dashboard.config.http_client import (
    Authorization,
    BasicAuth,
    Header,
    HttpClientConfig,
    OAuth2,
    ProxyConfig,
    TlsConfig,
    TlsVersion,
)
from dashboard.config.secret import Secret
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.http_client import HttpClient, HttpSession, client_for

from .conftest import Site


@contextlib.contextmanager
def session(config: HttpClientConfig) -> Iterator[HttpSession]:
    """Give a session of a configuration."""
    made = HttpClient(config).session()
    yield made
    made.close()


def ask(url: str, config: HttpClientConfig, asker: HttpSession | None = None) -> bytes:
    """Ask for a page once."""
    if asker:
        return asker.get(url, {}, timeout=10, body_limit=1000).body
    with session(config) as made:
        return made.get(url, {}, timeout=10, body_limit=1000).body


def fails(url: str, config: HttpClientConfig) -> FetchError:
    """Ask for what is not to be had, and return why."""
    with pytest.raises(FetchError) as caught:
        ask(url, config)
    return caught.value


def sent(site: Site, name: str) -> list[str | None]:
    """Return what each request had for a header."""
    return [headers.get(name) for _, headers in site.requests]


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.fixture
def page(site: Site) -> Site:
    site.serve(b"a 1\n")
    return site


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    """Write a secret into a file."""

    def write(text: str) -> str:
        path = tmp_path / "secret"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


# -- credentials


def test_a_name_and_a_password_are_sent(page: Site) -> None:
    ask(page.url(), HttpClientConfig(basic_auth=BasicAuth(username="jö", password=Secret("p:w"))))
    assert sent(page, "Authorization") == [basic("jö:p:w")]


def test_a_name_and_a_password_before_the_host_are_sent_too(page: Site) -> None:
    ask(f"http://me:a%20b@{page.address}/metrics", HttpClientConfig())
    assert sent(page, "Authorization") == [basic("me:a b")]
    assert sent(page, "Host") == [page.address]


def test_any_kind_of_authorization_is_sent(page: Site) -> None:
    ask(page.url(), HttpClientConfig(authorization=Authorization(credentials=Secret("t"))))
    ask(page.url(), HttpClientConfig(authorization=Authorization(type="Token", credentials=Secret("t"))))
    assert sent(page, "Authorization") == ["Bearer t", "Token t"]


def test_a_secret_in_a_file_is_read_at_each_request(page: Site, file: Callable[[str], str]) -> None:
    config = HttpClientConfig(authorization=Authorization(credentials_file=file("one\n")))
    with session(config) as asker:
        ask(page.url(), config, asker)
        file("two")
        ask(page.url(), config, asker)
    assert sent(page, "Authorization") == ["Bearer one", "Bearer two"]
    assert len(page.connections) == 1


def test_every_file_of_secrets_is_read(page: Site, file: Callable[[str], str]) -> None:
    path = file(" both\n")
    ask(page.url(), HttpClientConfig(basic_auth=BasicAuth(username_file=path, password_file=path)))
    assert sent(page, "Authorization") == [basic("both:both")]


def test_a_file_that_is_missing_is_an_error_of_the_fetch(page: Site, tmp_path: Path) -> None:
    path = str(tmp_path / "gone")
    error = fails(page.url(), HttpClientConfig(authorization=Authorization(credentials_file=path)))
    assert (error.layer, str(error)) == (
        Layer.CREDENTIALS,
        f"credentials: unable to read file {path}: No such file or directory",
    )
    assert page.requests == []


def test_a_file_that_is_not_text_does_not_show_what_is_in_it(page: Site, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"s3cret\xff")
    error = fails(page.url(), HttpClientConfig(authorization=Authorization(credentials_file=str(path))))
    assert str(error).endswith("not UTF-8")
    assert "s3cret" not in "".join(traceback.format_exception(error))


def test_configured_headers_are_sent(page: Site, file: Callable[[str], str]) -> None:
    header = Header(values=("a",), secrets=(Secret("b"),), files=(file("c\n"),))
    ask(page.url(), HttpClientConfig(http_headers={"X-Tenant": header}))
    assert sent(page, "X-Tenant") == ["a, b, c"]


def test_a_secret_that_would_end_its_line_is_refused_and_not_shown(page: Site, file: Callable[[str], str]) -> None:
    config = HttpClientConfig(authorization=Authorization(credentials_file=file("s3cret\r\nX-Evil: 1")))
    error = fails(page.url(), config)
    assert error.layer is Layer.CREDENTIALS
    assert "s3cret" not in str(error)
    assert page.requests == []


# -- redirects


@pytest.fixture
def elsewhere(site: Site) -> Site:
    """Redirect from ``/metrics`` to the same server under another name."""
    port = site.address.split(":")[1]
    site.serve(b"", status=302, Location=f"http://localhost:{port}/page")
    site.serve(b"a 1\n", "/page")
    return site


SECRETS = HttpClientConfig(
    basic_auth=BasicAuth(username="me", password=Secret("pw")), http_headers={"X-Key": Header(secrets=(Secret("k"),))}
)


def test_secrets_follow_a_redirect_on_the_same_server(site: Site) -> None:
    site.serve(b"", status=302, Location="/page")
    site.serve(b"a 1\n", "/page")
    assert ask(site.url(), SECRETS) == b"a 1\n"
    assert sent(site, "Authorization") == [basic("me:pw")] * 2
    assert sent(site, "X-Key") == ["k"] * 2


def test_secrets_do_not_follow_a_redirect_to_another_host(elsewhere: Site) -> None:
    assert ask(elsewhere.url(), SECRETS) == b"a 1\n"
    assert sent(elsewhere, "Authorization") == [basic("me:pw"), None]
    assert sent(elsewhere, "X-Key") == ["k", None]


def test_secrets_are_not_sent_again_where_the_other_host_leads_back(elsewhere: Site) -> None:
    elsewhere.serve(b"", "/page", status=307, Location=elsewhere.url("/back"))
    elsewhere.serve(b"a 1\n", "/back")
    ask(elsewhere.url(), SECRETS)
    assert sent(elsewhere, "Authorization") == [basic("me:pw"), None, None]


def test_redirects_can_be_left_alone(elsewhere: Site) -> None:
    error = fails(elsewhere.url(), HttpClientConfig(follow_redirects=False))
    assert str(error) == "HTTP: server returned HTTP status 302 Found"
    assert len(elsewhere.requests) == 1


# -- OAuth2


def oauth2(site: Site, **more: Any) -> HttpClientConfig:
    given = OAuth2(client_id="id", client_secret=Secret("s3cret"), token_url=site.url("/token"), **more)
    return HttpClientConfig(oauth2=given)


def grant(site: Site, expires_in: int = 3600, name: str = "t") -> None:
    answer = {"access_token": name, "token_type": "bearer", "expires_in": expires_in}
    site.serve(orjson.dumps(answer), "/token")


def test_a_token_is_got_once_and_shared(page: Site) -> None:
    grant(page)
    config = oauth2(page, scopes=("a", "b"), endpoint_params={"audience": "x"})
    client = HttpClient(config)
    for _ in range(2):
        asker = client.session()
        ask(page.url(), config, asker)
        asker.close()
    assert page.forms == ["grant_type=client_credentials&scope=a+b&audience=x"]
    paths = [(path, headers.get("Authorization")) for path, headers in page.requests]
    assert paths == [("/token", basic("id:s3cret")), ("/metrics", "Bearer t"), ("/metrics", "Bearer t")]


def test_a_token_that_expires_is_replaced(page: Site) -> None:
    config = oauth2(page)
    grant(page, expires_in=5)
    with session(config) as asker:
        ask(page.url(), config, asker)
        grant(page, name="u")
        ask(page.url(), config, asker)
        ask(page.url(), config, asker)
    assert len(page.forms) == 2
    assert sent(page, "Authorization")[-2:] == ["Bearer u", "Bearer u"]


def test_a_token_that_is_refused_is_replaced(page: Site) -> None:
    config = oauth2(page)
    grant(page)
    with session(config) as asker:
        page.serve(b"", status=401)
        with pytest.raises(FetchError, match="401 Unauthorized"):
            ask(page.url(), config, asker)
        page.serve(b"a 1\n")
        assert ask(page.url(), config, asker) == b"a 1\n"
    assert len(page.forms) == 2


def test_an_endpoint_that_wants_the_secret_in_its_form_gets_it_there(page: Site) -> None:
    def only_in_form() -> tuple[int, dict[str, str], bytes]:
        known = "client_id=id&client_secret=s3cret" in page.forms[-1]
        return (200, {}, b'{"access_token": "t"}') if known else (401, {}, b"")

    page.pages["/token"] = only_in_form
    assert ask(page.url(), oauth2(page)) == b"a 1\n"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, b'{"error": "s3cret"}', "OAuth2: the token endpoint answered with HTTP status 403"),
        (302, b"", "OAuth2: the token endpoint answered with HTTP status 302"),
        (200, b"[1]", "OAuth2: the token endpoint's answer has no access_token"),
        (200, b"{s3cret", "OAuth2: the token endpoint's answer is not a token"),
        (200, b'{"access_token": 7}', "OAuth2: the token endpoint's answer is not a token"),
    ],
)
def test_no_token_is_an_error_of_its_layer(page: Site, status: int, body: bytes, reason: str) -> None:
    page.serve(body, "/token", status=status, Location="/elsewhere")
    error = fails(page.url(), oauth2(page))
    assert (error.layer, str(error)) == (Layer.OAUTH2, reason)
    assert "/metrics" not in [path for path, _ in page.requests]


def test_an_endpoint_that_is_not_there_is_an_error_of_its_layer(page: Site) -> None:
    config = oauth2(page)
    assert config.oauth2
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    gone = dataclasses.replace(config.oauth2, token_url=f"http://127.0.0.1:{port}/")
    error = fails(page.url(), HttpClientConfig(oauth2=gone))
    assert str(error) == "OAuth2: the token endpoint: TCP: connection refused"


# -- proxies


@dataclasses.dataclass
class Proxy:
    """A proxy that remembers what it was asked, and answers plain requests itself."""

    address: str
    heads: list[str] = dataclasses.field(default_factory=list)
    refuse: bool = False


@contextlib.contextmanager
def running_proxy(context: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), ExitStack() as undo:
                peer = self.request
                if context:
                    peer = undo.enter_context(context.wrap_socket(peer, server_side=True))
                head = peer.recv(65536).decode()
                found.heads.append(head)
                if found.refuse:
                    peer.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
                elif head.startswith("CONNECT"):
                    self.relay(peer, head.split()[1])
                else:
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nvia 1\n")

        def relay(self, peer: socket.socket, destination: str) -> None:
            host, _, port = destination.rpartition(":")
            with socket.create_connection((host, int(port)), 10) as far:
                peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=pump, args=(far, peer))
                back.start()
                pump(peer, far)
                back.join(10)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Handler)
    found = Proxy(f"127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with running_proxy() as found:
        yield found


def through(url: str, **more: Any) -> HttpClientConfig:
    return HttpClientConfig(proxy=ProxyConfig(proxy_url=url, **more))


def test_a_proxy_is_asked_for_the_whole_url_and_shown_its_own_password_only(proxy: Proxy) -> None:
    config = dataclasses.replace(through(f"http://u:p@{proxy.address}"), basic_auth=SECRETS.basic_auth)
    assert ask("http://far.invalid:81/metrics?a=b", config) == b"via 1\n"
    (head,) = proxy.heads
    assert head.startswith("GET http://far.invalid:81/metrics?a=b HTTP/1.1\r\nHost: far.invalid:81\r\n")
    assert f"Proxy-Authorization: {basic('u:p')}\r\n" in head
    assert f"\r\nAuthorization: {basic('me:pw')}\r\n" in head


def test_a_proxy_is_passed_by_where_no_proxy_says_so(proxy: Proxy, page: Site) -> None:
    assert ask(page.url(), through(f"http://{proxy.address}", no_proxy="example.com")) == b"a 1\n"
    assert proxy.heads == []


def test_the_environment_names_a_proxy_only_where_it_may(
    proxy: Proxy, page: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.address)
    assert ask(page.url(), HttpClientConfig()) == b"a 1\n"
    config = HttpClientConfig(proxy=ProxyConfig(proxy_from_environment=True))
    assert ask("http://far.invalid/", config) == b"via 1\n"


@pytest.mark.parametrize("scheme", ["socks5", "ftp"])
def test_a_proxy_of_another_kind_is_refused(page: Site, scheme: str) -> None:
    error = fails(page.url(), through(f"{scheme}://u:s3cret@127.0.0.1:1"))
    assert error.layer is Layer.PROXY
    assert "only http and https" in str(error)
    assert "s3cret" not in str(error)


def test_a_proxy_that_is_not_there_is_named(page: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert str(fails(page.url(), through(f"http://127.0.0.1:{port}"))) == "proxy: TCP: connection refused"


# -- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority, and certificates of it for ``localhost`` and for a client."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make certificates")
    where = tmp_path_factory.mktemp("tls")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=where)

    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl(*new, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("localhost", "client"):
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=DNS:{name}"]
        openssl(*new, *signed, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    return where


def server_context(certificates: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "localhost.pem", certificates / "localhost.key")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@dataclasses.dataclass
class SecureSite:
    """A server over TLS that remembers who its clients were."""

    port: int
    context: ssl.SSLContext
    clients: list[object] = dataclasses.field(default_factory=list)
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na 1\n"

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/"


@pytest.fixture
def secure(certificates: Path) -> Iterator[SecureSite]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), found.context.wrap_socket(self.request, server_side=True) as peer:
                while peer.recv(65536):
                    found.clients.append(dict(each[0] for each in (peer.getpeercert() or {}).get("subject", ())))
                    peer.sendall(found.answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Handler)
    found = SecureSite(server.server_address[1], server_context(certificates))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def trusting(certificates: Path, **more: Any) -> HttpClientConfig:
    return HttpClientConfig(tls_config=TlsConfig(ca_file=str(certificates / "ca.pem"), **more))


def test_an_authority_may_be_written_out_or_in_a_file(secure: SecureSite, certificates: Path) -> None:
    text = (certificates / "ca.pem").read_text(encoding="utf-8")
    assert ask(secure.url, trusting(certificates)) == b"a 1\n"
    assert ask(secure.url, HttpClientConfig(tls_config=TlsConfig(ca=text))) == b"a 1\n"
    assert fails(secure.url, HttpClientConfig()).layer is Layer.TLS


def test_a_server_must_be_the_one_that_was_asked_for(secure: SecureSite, certificates: Path) -> None:
    url = secure.url.replace("localhost", "127.0.0.1")
    error = fails(url, trusting(certificates))
    assert (error.layer, "127.0.0.1" in str(error)) == (Layer.TLS, True)
    assert ask(url, trusting(certificates, server_name="localhost")) == b"a 1\n"
    assert ask(url, HttpClientConfig(tls_config=TlsConfig(insecure_skip_verify=True))) == b"a 1\n"


def test_a_client_shows_its_certificate_from_files_or_text(secure: SecureSite, certificates: Path) -> None:
    certificate, key = certificates / "client.pem", certificates / "client.key"
    ask(secure.url, trusting(certificates, cert_file=str(certificate), key_file=str(key)))
    ask(secure.url, trusting(certificates, cert=certificate.read_text(), key=Secret(key.read_text())))
    assert secure.clients == [{"commonName": "client"}] * 2


def test_a_client_does_not_show_its_certificate_after_a_redirect_to_another_host(
    secure: SecureSite, certificates: Path
) -> None:
    location = secure.url.replace("localhost", "127.0.0.1").encode()
    secure.answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    files = {"cert_file": str(certificates / "client.pem"), "key_file": str(certificates / "client.key")}
    config = HttpClientConfig(tls_config=TlsConfig(insecure_skip_verify=True, **files))
    assert "stopped after 10 redirects" in str(fails(secure.url, config))
    assert secure.clients == [{"commonName": "client"}] + [{}] * 10


def test_no_secret_goes_from_tls_down_to_plain_http(secure: SecureSite, certificates: Path, page: Site) -> None:
    location = page.url().replace("127.0.0.1", "localhost").encode()
    secure.answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    config = dataclasses.replace(SECRETS, tls_config=trusting(certificates).tls_config)
    assert ask(secure.url, config) == b"a 1\n"
    assert (sent(page, "Authorization"), sent(page, "X-Key")) == ([None], [None])


def test_a_certificate_that_was_replaced_counts_at_once(secure: SecureSite, certificates: Path, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes((certificates / "ca.pem").read_bytes())
    config = HttpClientConfig(tls_config=TlsConfig(ca_file=str(authority)))
    with session(config) as asker:
        ask(secure.url, config, asker)
        authority.write_bytes((certificates / "client.pem").read_bytes())
        with pytest.raises(FetchError, match="TLS"):
            ask(secure.url, config, asker)


def test_certificates_that_cannot_be_used_are_named(secure: SecureSite, tmp_path: Path) -> None:
    junk = tmp_path / "ca.pem"
    junk.write_text("junk", encoding="utf-8")
    error = fails(secure.url, HttpClientConfig(tls_config=TlsConfig(ca_file=str(junk))))
    assert str(error).startswith("TLS: unable to use the certificates of tls_config: ")
    gone = HttpClientConfig(tls_config=TlsConfig(ca_file=str(tmp_path / "gone")))
    assert fails(secure.url, gone).layer is Layer.CREDENTIALS


def test_versions_of_tls_are_kept_to(secure: SecureSite, certificates: Path) -> None:
    secure.context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert fails(secure.url, trusting(certificates, min_version=TlsVersion.TLS13)).layer is Layer.TLS
    assert ask(secure.url, trusting(certificates, max_version=TlsVersion.TLS12)) == b"a 1\n"


def test_a_secure_server_is_reached_through_a_tunnel(proxy: Proxy, secure: SecureSite, certificates: Path) -> None:
    given = ProxyConfig(proxy_url=f"http://u:p@{proxy.address}", proxy_connect_header={"X-Team": (Secret("t"),)})
    config = dataclasses.replace(SECRETS, tls_config=trusting(certificates).tls_config, proxy=given)
    assert ask(secure.url, config) == b"a 1\n"
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT localhost:{secure.port} HTTP/1.1\r\nHost: localhost:{secure.port}\r\n")
    assert f"Proxy-Authorization: {basic('u:p')}\r\n" in head
    assert "X-Team: t\r\n" in head
    assert basic("me:pw") not in head


def test_a_proxy_that_refuses_is_named(proxy: Proxy, secure: SecureSite) -> None:
    proxy.refuse = True
    error = fails(secure.url, through(f"http://{proxy.address}"))
    assert str(error) == "proxy: it answered CONNECT with HTTP status 407 Who are you"


def test_a_secure_proxy_hands_on_both_kinds_of_request(secure: SecureSite, certificates: Path) -> None:
    with running_proxy(server_context(certificates)) as proxy:
        url = f"https://{proxy.address}".replace("127.0.0.1", "localhost")
        config = dataclasses.replace(through(url), tls_config=trusting(certificates).tls_config)
        assert ask(secure.url, config) == b"a 1\n"
        assert ask("http://far.invalid/", config) == b"via 1\n"


# -- sharing


def test_equal_configurations_share_a_client() -> None:
    one = client_for(HttpClientConfig(basic_auth=BasicAuth(username="a")))
    assert client_for(HttpClientConfig(basic_auth=BasicAuth(username="a"))) is one
    assert client_for(HttpClientConfig(basic_auth=BasicAuth(username="b"))) is not one
