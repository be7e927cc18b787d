import sys
from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.settings import default_data_dir, load_settings


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    return tmp_path / "prometheus.yml"


def test_defaults_listen_on_localhost(config_file: Path) -> None:
    settings = load_settings(config_file)
    assert (settings.host, settings.port) == ("localhost", 5000)


def test_the_command_line_comes_before_the_environment_before_the_file(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config_file.parent / "cockpit.yml").write_text("port: 1\nretention: 2d\nhost: 127.0.0.1\n")
    monkeypatch.setenv("GLASS_COCKPIT_PORT", "2")
    monkeypatch.setenv("GLASS_COCKPIT_RETENTION", "3d")
    settings = load_settings(config_file, port=3, retention=None)
    assert (settings.port, settings.retention, settings.host) == (3, 3 * 86_400_000, "127.0.0.1")


def test_lists_and_paths_of_the_environment(config_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GLASS_COCKPIT_ALLOWED_HOSTS", "a.example, b.example")
    monkeypatch.setenv("GLASS_COCKPIT_DATA_DIR", str(tmp_path / "data"))
    settings = load_settings(config_file)
    assert settings.allowed_hosts == ("a.example", "b.example")
    assert settings.data_dir == tmp_path / "data"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot: 1", "prot: unknown key"),
        ("port: many", "port: not a whole number"),
        ("port: 70000", "70000 is not a port"),
        ("retention: 0", "nothing would be kept"),
        ("retention: soon", "retention"),
        ("retention: [{match: up, keep: 0}]", "each rule needs"),
        ("retention: [{match: up, keeep: 1d}]", "unknown key"),
        ("retention_size: many", "retention_size"),
        ("block_length: 30s", "block_length: blocks cover from 1m to 1d"),
        ("block_length: 2d", "blocks cover from 1m to 1d"),
        ("block_length:", "block_length"),
    ],
)
def test_a_bad_cockpit_file_is_refused(config_file: Path, text: str, message: str) -> None:
    (config_file.parent / "cockpit.yml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(config_file)
    assert message in str(caught.value)


def test_a_bad_variable_is_not_blamed_on_the_file(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASS_COCKPIT_PORT", "70000")
    with pytest.raises(ConfigError, match=r"^environment: port: 70000 is not a port$"):
        load_settings(config_file)


@pytest.mark.skipif(sys.platform != "linux", reason="each platform has a place of its own")
def test_the_demo_keeps_its_data_beside_that_of_real_services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_dir(demo=False) == tmp_path / "glass-cockpit" / "data"
    assert default_data_dir(demo=True) == tmp_path / "glass-cockpit" / "demo"
