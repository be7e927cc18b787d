"""From rule files to rules: every expression and template is parsed before anything comes into force."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dashboard.config.errors import ConfigError
from dashboard.config.rules import RuleConfig, RuleFile, RuleGroupConfig
from dashboard.model.labels import Labels
from dashboard.promql.ast import Expr
from dashboard.promql.parser import parse
from dashboard.rules.alert import Delays
from dashboard.rules.alerting import AlertingRule
from dashboard.rules.dependencies import feeds_later
from dashboard.rules.group import RuleGroup, Surroundings
from dashboard.rules.recording import RecordingRule
from dashboard.rules.rule import RowStore, RowWriter, Rule
from dashboard.rules.state import GroupKey
from dashboard.rules.templates import Expander, TemplateQuery
from dashboard.rules.validation import group_problems, rule_problems


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
            ConfigError: a rule is not valid; the message names file, group and rule.
        """
        return [self._rule(file, group, number, rule) for number, rule in enumerate(group.rules, start=1)]

    def _rule(self, file: Path, group: RuleGroupConfig, number: int, config: RuleConfig) -> Rule:
        name = config.record or config.alert
        for problem in rule_problems(config):
            raise ConfigError(file, problem.reason, f'group "{group.name}", rule {number}, "{name}"')
        labels = Labels.of({**group.labels, **config.labels})
        expr = parse(config.expr)
        if config.record:
            return RecordingRule(name, expr, str(expr), labels, RowWriter(self.store))
        return self._alerting_rule(config, expr, labels)

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

    def groups(self, file: RuleFile) -> list[RuleGroup]:
        """Make the groups of a file.

        Raises:
            ConfigError: a group or a rule is not valid; the message names file, group and rule.
        """
        for number, reason in group_problems(file.groups):
            raise ConfigError(file.file, reason, f"groups[{number}]")
        return [self._group(file.file, config) for config in file.groups]

    def _group(self, file: Path, config: RuleGroupConfig) -> RuleGroup:
        rules = self.rules.rules(file, config)
        return RuleGroup(
            GroupKey(str(file), config.name),
            config,
            config.interval or self.default_interval,
            rules=rules,
            feeds_later=feeds_later(rules),
            surroundings=self.around,
        )
