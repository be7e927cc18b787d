"""From rule files to rules: every expression and template is parsed before anything comes into force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dashboard.config.errors import ConfigError
from dashboard.config.rules import RuleConfig, RuleGroupConfig
from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.promql.ast import Expr
from dashboard.promql.errors import ParseError
from dashboard.promql.parser import parse
from dashboard.rules.alert import Delays
from dashboard.rules.alerting import AlertingRule
from dashboard.rules.dependencies import feeds_later
from dashboard.rules.errors import TemplateError
from dashboard.rules.group import RuleGroup, Surroundings
from dashboard.rules.recording import RecordingRule
from dashboard.rules.rule import RowStore, RowWriter, Rule
from dashboard.rules.state import GroupKey
from dashboard.rules.templates import Expander, TemplateQuery


@dataclass(frozen=True, slots=True)
class RuleBuilder:
    """Makes rules out of their configuration; what they give is written to ``store``."""

    store: RowStore
    template_query: TemplateQuery
    external_labels: Labels
    external_url: str

    def rules(self, file: Path, group: RuleGroupConfig) -> list[Rule]:
        """Make the rules of a group.

        Raises:
            ConfigError: an expression, a template or a name is not valid; the message names file, group and rule.
        """
        return [self._rule(file, group, number, rule) for number, rule in enumerate(group.rules, start=1)]

    def _rule(self, file: Path, group: RuleGroupConfig, number: int, config: RuleConfig) -> Rule:
        name = config.record or config.alert
        where = f'group "{group.name}", rule {number}, "{name}"'
        _check_names(file, where, config)
        labels = Labels.of({**group.labels, **config.labels})
        try:
            expr = parse(config.expr)
        except ParseError as error:
            raise ConfigError(file, f"could not parse expression: {error}", where) from error
        if config.record:
            return RecordingRule(name, expr, str(expr), labels, RowWriter(self.store))
        try:
            return self._alerting_rule(config, expr, labels)
        except TemplateError as error:
            raise ConfigError(file, str(error), where) from error

    def _alerting_rule(self, config: RuleConfig, expr: Expr, labels: Labels) -> AlertingRule:
        expander = Expander(
            config.alert, self.template_query, external_labels=self.external_labels, external_url=self.external_url
        )
        return AlertingRule(
            config.alert,
            expr,
            str(expr),
            labels,
            RowWriter(self.store),
            delays=Delays(hold=config.for_, keep_firing=config.keep_firing_for),
            annotations=Labels.of(config.annotations),
            expander=expander,
            external_url=self.external_url,
        )


@dataclass(frozen=True, slots=True)
class GroupBuilder:
    """Makes groups out of their configuration. ``default_interval`` is in milliseconds."""

    rules: RuleBuilder
    around: Surroundings
    default_interval: int

    def group(self, file: Path, config: RuleGroupConfig) -> RuleGroup:
        """Make a group.

        Raises:
            ConfigError: an expression, a template or a name is not valid; the message names file, group and rule.
        """
        rules = self.rules.rules(file, config)
        return RuleGroup(
            GroupKey(str(file), config.name),
            config,
            config.interval or self.default_interval,
            rules=rules,
            feeds_later=feeds_later(rules),
            surroundings=self.around,
        )


def _check_names(file: Path, where: str, config: RuleConfig) -> None:
    if config.record and "{" in config.record:
        raise ConfigError(
            file, f"braces present in the recording rule name; should it be in expr?: {config.record}", where
        )
    _check_keys(file, where, "label", config.labels)
    _check_keys(file, where, "annotation", config.annotations)


def _check_keys(file: Path, where: str, kind: str, texts: Mapping[str, str]) -> None:
    for name in texts:
        if not name or name == METRIC_NAME:
            raise ConfigError(file, f"invalid {kind} name: {name}", where)
