from pathlib import Path

from dashboard.config.prometheus import load_prometheus_config
from dashboard.config.referenced import missing_files

TEXT = """
rule_files: [a.yml, 'b*.yml', there.yml]
scrape_configs:
- job_name: a
  bearer_token_file: token
  tls_config: {ca_file: ca, cert_file: cert, key_file: there.yml}
- job_name: b
  authorization: {credentials: c}
"""


def test_files_that_are_named_and_not_there_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.yml").touch()
    file = tmp_path / "prometheus.yml"
    file.write_text(TEXT, encoding="utf-8")
    here = tmp_path.resolve()
    assert list(missing_files(load_prometheus_config(file))) == [
        f'"{here / "a.yml"}" does not point to an existing file',
        f'job "a": error checking authorization credentials or bearer token file "{here / "token"}": no such file',
        f'job "a": error checking client cert file "{here / "cert"}": no such file',
    ]
