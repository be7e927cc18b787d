"""How long samples are kept: joined from the command line, ``cockpit.yml`` and ``prometheus.yml``."""

from __future__ import annotations

from dashboard.config.errors import ConfigError
from dashboard.config.prometheus import PrometheusConfig
from dashboard.model.matcher import Matcher
from dashboard.promql import ParseError, parse
from dashboard.promql.ast import VectorSelector
from dashboard.settings import DEFAULT_RETENTION, KeepSetting, Settings
from dashboard.storage import KeepRule, Retention


def retention_of(settings: Settings, config: PrometheusConfig) -> Retention:
    """Return what is kept; what ``cockpit.yml`` and the command line say goes before ``storage.tsdb.retention``.

    Raises:
        ConfigError: a rule of ``cockpit.yml`` has no selector.
    """
    return Retention(
        age=settings.retention or config.retention_time or DEFAULT_RETENTION,
        size=settings.retention_size or config.retention_size,
        rules=tuple(KeepRule(_matchers(settings, rule), rule.keep) for rule in settings.retention_rules),
    )


def _matchers(settings: Settings, rule: KeepSetting) -> tuple[Matcher, ...]:
    try:
        selector = parse(rule.match)
    except ParseError as error:
        raise ConfigError(settings.cockpit_file, str(error), "retention") from error
    if not isinstance(selector, VectorSelector) or str(selector) != selector.series:
        raise ConfigError(settings.cockpit_file, f'"{rule.match}" is not a series selector', "retention")
    return selector.matchers
