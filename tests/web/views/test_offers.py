"""Exporters that nobody scrapes, each with a job that our own configuration takes."""

from __future__ import annotations

from pathlib import Path

import yaml

from dashboard.config.prometheus import load_prometheus_config
from dashboard.scrape.exporters import EXPORTERS, Exporter
from dashboard.web.views.offers import make_offers, scraped_ports

NODE = Exporter(9100, "node_exporter", "node")


def test_what_was_found_is_offered_with_a_job() -> None:
    found = make_offers([NODE], ())
    assert found.message == "Found 1 port of an exporter that nobody scrapes."
    (offer,) = found.offers
    assert (offer.id, offer.address) == ("node_exporter", "localhost:9100")
    assert yaml.safe_load(offer.job) == [{"job_name": "node", "static_configs": [{"targets": ["localhost:9100"]}]}]


def test_nothing_found_is_said() -> None:
    assert make_offers([], ()).message == "Found no exporter that is not scraped already."


def test_a_name_that_is_taken_is_not_offered() -> None:
    assert yaml.safe_load(make_offers([NODE], {"node"}).offers[0].job)[0]["job_name"] == "node-9100"


def test_every_job_can_be_put_into_a_configuration(tmp_path: Path) -> None:
    jobs = "".join(offer.job for offer in make_offers(EXPORTERS, ()).offers)
    file = tmp_path / "prometheus.yml"
    file.write_text("scrape_configs:\n" + "".join(f"  {line}\n" for line in jobs.splitlines()))
    config = load_prometheus_config(file)
    assert len(config.scrape_configs) == len(EXPORTERS)
    assert {job.job_name for job in config.scrape_configs if job.honor_labels} == {"pushgateway"}


def test_ports_of_this_machine_that_are_scraped_are_known() -> None:
    urls = ["http://localhost:9100/metrics", "https://127.0.0.1/m", "http://[::1]:7/m", "http://example.org:9400/m"]
    assert scraped_ports(urls, 5000) == {5000, 9100, 443, 7}
