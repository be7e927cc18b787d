from pathlib import Path

import pytest

from dashboard.config.prometheus import load_prometheus_config
from dashboard.config.rules import load_rule_file
from dashboard.shipped import shipped_monitoring, write_monitoring


def test_init_writes_a_folder_that_loads(tmp_path: Path) -> None:
    folder = write_monitoring(tmp_path)
    config = load_prometheus_config(folder / "prometheus.yml")
    assert len(config.scrape_configs) == 8
    assert all(load_rule_file(file).groups for file in config.rule_files)


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "monitoring").mkdir()
    with pytest.raises(FileExistsError):
        write_monitoring(tmp_path)
    assert not list((tmp_path / "monitoring").iterdir())


def test_the_shipped_folder_holds_what_the_real_servers_read() -> None:
    folder = shipped_monitoring()
    for name in ("prometheus.yml", "alertmanager.yml", "docker-compose.yml", "UPGRADE.md", "WINDOWS_SETUP.md"):
        assert (folder / name).is_file(), name
