"""``/-/reload`` as Prometheus answers it, and what the health page says of a broken file."""

from pathlib import Path

from flask.testing import FlaskClient

from dashboard.web import Parts


def test_a_reload_answers_with_nothing(client: FlaskClient) -> None:
    for method in ("POST", "PUT"):
        answer = client.open("/-/reload", method=method)
        assert (answer.status_code, answer.data) == (200, b"")


def test_a_reload_is_no_thing_to_get(client: FlaskClient) -> None:
    assert client.get("/-/reload").status_code == 405


def test_a_page_of_another_origin_cannot_reload(client: FlaskClient, parts: Parts) -> None:
    before = parts.reloader.loaded
    assert client.post("/-/reload", headers={"Origin": "http://evil.example"}).status_code == 403
    assert parts.reloader.loaded is before


def test_a_broken_file_is_named_and_makes_the_server_degraded_until_it_is_mended(
    client: FlaskClient, parts: Parts
) -> None:
    file = Path(parts.settings.config_file)
    good = file.read_text()
    file.write_text("scrape_configs: [{job_name: ''}]\n")
    answer = client.post("/-/reload")
    assert (answer.status_code, answer.mimetype) == (500, "text/plain")
    assert answer.text.startswith("failed to reload config: ")
    assert "job_name" in answer.text
    report = client.get("/health").get_json()
    assert (report["status"], report["config_ok"]) == ("degraded", False)
    file.write_text(good)
    assert client.post("/-/reload").status_code == 200
    assert client.get("/health").get_json()["config_ok"]
