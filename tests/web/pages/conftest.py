"""A world in which every name and text that comes from outside tries to become markup or a script."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dashboard.config.prometheus import load_prometheus_config
from dashboard.config.rules import load_rule_file
from dashboard.model.labels import Labels
from dashboard.web import Parts

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'

_RULES = f"""
groups:
- name: '<b>{SCRIPT}'
  rules:
  - alert: 'Down{SCRIPT}'
    expr: up == 0
    for: 30s
    labels: {{severity: '{IMAGE}'}}
    annotations:
      summary: '{SCRIPT} {{{{ $labels.job }}}}'
      runbook_url: 'javascript:alert(3)'
      dashboard: 'https://example.org/{{{{ $labels.job }}}}'
  - alert: Broken
    expr: up * on () group_left up
"""


@pytest.fixture
def world(parts: Parts) -> Parts:
    """Real parts with hostile configuration, rules and samples; one target is up, one down, and an alert fires."""
    folder = parts.settings.config_file.parent
    good = next(target for target in parts.scrape.targets() if target.labels.get("job") == "shop").labels.get(
        "instance"
    )
    config_file = folder / "hostile.yml"
    config_file.write_text(
        "scrape_configs:\n"
        f"- job_name: shop\n  static_configs: [{{targets: ['{good}'], labels: {{zone: '{IMAGE}'}}}}]\n"
        f"- job_name: '{SCRIPT}'\n  static_configs: [{{targets: ['127.0.0.1:1']}}]\n"
        "- job_name: chosen\n"
        f"  static_configs: [{{targets: ['127.0.0.1:2', '127.0.0.1:3'], labels: {{zone: '{IMAGE}'}}}}]\n"
        "  relabel_configs:\n"
        f"  - {{source_labels: [zone], target_label: place, replacement: '{SCRIPT}'}}\n"
        "  - {source_labels: [__address__], regex: '.*:3', action: drop}\n"
        "  - {regex: zone, action: labeldrop}\n"
        "tracing: {endpoint: 'localhost:1'}\n"
    )
    (folder / "hostile-rules.yml").write_text(_RULES)
    config = load_prometheus_config(config_file)
    parts.scrape.apply(config)
    parts.reloader.loaded = replace(parts.reloader.loaded, config=config)
    for target in parts.scrape.targets():
        parts.scrape.scrape_now(target.id)
    store(parts)
    parts.rules.apply([load_rule_file(folder / "hostile-rules.yml")], 15_000)
    for time in (parts.clock(), parts.clock() + 31_000):
        for group in parts.rules.groups():
            parts.rules.evaluate_group(parts.rules.group(group.file, group.name), time)
    return parts


def store(parts: Parts) -> None:
    """Store requests, a version and an info family of the job ``shop``, and a graphics card, with hostile labels."""
    own = {"job": "shop", "instance": "x"}
    card = {"gpu": "0", "UUID": "GPU-1", "modelName": SCRIPT, "Hostname": IMAGE, **own}
    labels = [
        Labels.of({"__name__": "http_requests_total", "status": "200", **own}),
        Labels.of({"__name__": "http_requests_total", "status": IMAGE, **own}),
        Labels.of({"__name__": "app_build_info", "version": SCRIPT, **own}),
        Labels.of({"__name__": "queue", "path": IMAGE, **own}),
        Labels.of({"__name__": "DCGM_FI_DEV_GPU_UTIL", **card}),
        Labels.of({"__name__": "DCGM_FI_DEV_FB_USED", "GPU_I_ID": "1", "GPU_I_PROFILE": IMAGE, **card}),
        Labels.of({"__name__": "DCGM_FI_DEV_XID_ERRORS", **card}),
        Labels.of({"__name__": "namedprocess_namegroup_gpu_memory_bytes", "groupname": IMAGE, **card}),
    ]
    series = np.array([parts.storage.series_id(each) for each in labels], dtype=np.int64)
    appender = parts.storage.appender()
    now = parts.clock()
    for at in range(now - 120_000, now + 1, 5000):
        grown = (at - now + 240_000) / 1000
        appender.append(at, series, np.array([grown, grown, 1.0, 4.0, 35.0, 1024.0, 79.0, 2.0**30]))
    parts.storage.flush()
