from pathlib import Path

import pytest

from dashboard.config.prometheus import load_prometheus_config
from dashboard.scrape.check import CheckedTargets, check_targets


def checked(folder: Path, job: str, **files: str) -> CheckedTargets:
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    file = folder / "prometheus.yml"
    file.write_text(f"scrape_configs: [{{job_name: j, {job}}}]", encoding="utf-8")
    return check_targets(load_prometheus_config(file).scrape_configs[0], in_files=True)


def test_good_targets_have_no_errors(tmp_path: Path) -> None:
    job = "static_configs: [{targets: ['a:1']}], file_sd_configs: [{files: ['a.json', 'b.yml']}]"
    files = {"a_json": '[{"targets": ["b:1"]}]', "b_yml": "- targets: [c]\n  labels: {x: 1}"}
    assert checked(tmp_path, job, **files) == CheckedTargets((), ())


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("static_configs: [{targets: ['']}]", 'job "j": a target without an address: no address'),
        ("static_configs: [{targets: [a], labels: {__scrape_interval__: x}}]", "error parsing scrape interval"),
        ("file_sd_configs: [{files: [a.json]}]", "checking SD file"),
        ("file_sd_configs: [{files: [b.yml]}]", '"c/d" is not a valid hostname'),
    ],
)
def test_targets_that_cannot_be_scraped_are_errors(tmp_path: Path, job: str, message: str) -> None:
    errors = checked(tmp_path, job, a_json="{", b_yml="- targets: [c/d]").errors
    assert len(errors) == 1
    assert message in errors[0]


def test_a_file_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    found = checked(tmp_path, "file_sd_configs: [{files: ['none*.json']}]")
    assert found.errors == ()
    missing = tmp_path.resolve() / "none*.json"
    assert found.warnings == (f'file "{missing}" for file_sd in scrape job "j" does not exist',)
