"""The rule manager: brings rule files into force, has their groups evaluated on schedule, and tells how they stand."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.base import BaseScheduler
from prometheus_client import CollectorRegistry

from dashboard.config.rules import RuleFile
from dashboard.database import Database, DatabaseError
from dashboard.model.labels import Labels
from dashboard.promql import Engine
from dashboard.rules.alert import Alert
from dashboard.rules.building import GroupBuilder, RuleBuilder
from dashboard.rules.group import RESEND_DELAY, Notify, RuleGroup, Surroundings
from dashboard.rules.metrics import RuleMetrics
from dashboard.rules.query import template_query, vector_query
from dashboard.rules.schedule import SlotTrigger
from dashboard.rules.state import AlertStore, GroupKey
from dashboard.rules.status import AlertChange, RuleGroupStatus
from dashboard.storage import Storage

_logger = logging.getLogger(__name__)

NO_EXTERNAL_LABELS = Labels()


@dataclass(frozen=True, slots=True)
class PreparedRules:
    """Groups whose expressions and templates were found good, and which are not in force yet."""

    groups: Mapping[GroupKey, RuleGroup]
    external_labels: Labels


class RuleManager:
    """Runs all rule groups.

    ``scheduler`` is an APScheduler with an executor named ``rules``; ``notify`` is given the alerts that receivers
    should hear of, and is called from that executor's threads. ``resend_delay`` is in milliseconds.
    """

    def __init__(
        self,
        engine: Engine,
        storage: Storage,
        database: Database,
        scheduler: BaseScheduler,
        *,
        registry: CollectorRegistry,
        clock: Callable[[], int],
        external_url: str = "",
        notify: Notify | None = None,
        resend_delay: int = RESEND_DELAY,
    ) -> None:
        self._engine = engine
        self._storage = storage
        self._scheduler = scheduler
        self._clock = clock
        self._external_url = external_url
        self._store = AlertStore(database)
        self._metrics = RuleMetrics(registry)
        self._around = Surroundings(
            query=vector_query(engine),
            flush=storage.flush,
            store=self._store,
            metrics=self._metrics,
            notify=notify,
            resend_delay=resend_delay,
        )
        self._groups: dict[GroupKey, RuleGroup] = {}
        self._external_labels = Labels()
        self._changing = threading.Lock()

    def apply(
        self, files: Sequence[RuleFile], default_interval: int, external_labels: Labels = NO_EXTERNAL_LABELS
    ) -> None:
        """Bring rule files into force: all of them, or nothing.

        ``default_interval`` is the interval, in milliseconds, of groups that name none. Templates see
        ``external_labels``.

        Raises:
            ConfigError: a file cannot be used; the message names file, group and rule, and what ran goes on.
        """
        self.adopt(self.prepare(files, default_interval, external_labels))

    def prepare(
        self, files: Sequence[RuleFile], default_interval: int, external_labels: Labels = NO_EXTERNAL_LABELS
    ) -> PreparedRules:
        """Make the groups of rule files without bringing them into force; see :meth:`apply`.

        Raises:
            ConfigError: a file cannot be used; the message names file, group and rule.
        """
        rules = RuleBuilder(self._storage, template_query(self._engine), external_labels, self._external_url)
        builder = GroupBuilder(rules, self._around, default_interval)
        groups = [group for file in files for group in builder.groups(file)]
        return PreparedRules({group.key: group for group in groups}, external_labels)

    def adopt(self, prepared: PreparedRules) -> None:
        """Bring prepared groups into force.

        Groups that have not changed go on undisturbed; those that have keep the state of rules with equal names and
        labels.
        """
        with self._changing:
            now = self._clock()
            former = self._groups
            changed = {key: group for key, group in prepared.groups.items() if self._differs(group, prepared)}
            for key, group in changed.items():
                self._prepare(group, former.get(key), now)
            self._groups = {key: changed.get(key) or former[key] for key in prepared.groups}
            self._external_labels = prepared.external_labels
            self._end(former, now)
            for group in changed.values():
                self._schedule(group)

    def _differs(self, group: RuleGroup, prepared: PreparedRules) -> bool:
        """Say whether a group is another than the one that runs; templates hold the external labels."""
        former = self._groups.get(group.key)
        same = former is not None and former.config == group.config and former.interval == group.interval
        return not same or prepared.external_labels != self._external_labels

    def _prepare(self, group: RuleGroup, former: RuleGroup | None, now: int) -> None:
        self._metrics.begin(group.key, interval=group.interval, rules=len(group.rules))
        if former is not None:
            former.stop()
            group.adopt(former, now)
        else:
            self._restore(group, now)

    def _schedule(self, group: RuleGroup) -> None:
        self._scheduler.add_job(
            self._evaluate_now,
            SlotTrigger(group.slots),
            args=(group,),
            id=_job_id(group.key),
            executor="rules",
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            replace_existing=True,
        )

    def _restore(self, group: RuleGroup, now: int) -> None:
        try:
            saved = self._store.load(group.key)
        except (DatabaseError, sqlite3.Error, ValueError) as error:
            _logger.warning("the alerts of group %s could not be read, they start anew: %s", group.key, error)
            return
        if saved is not None:
            group.restore(saved, now)

    def _end(self, former: dict[GroupKey, RuleGroup], now: int) -> None:
        for key, group in former.items():
            if key not in self._groups:
                self._unschedule(key)
                group.stop()
                group.end(now)
                self._metrics.end(key)
        try:
            self._store.forget(self._groups, now)
        except DatabaseError as error:
            _logger.warning("the alerts of groups that are gone could not be removed: %s", error)

    def _evaluate_now(self, group: RuleGroup) -> None:
        now = self._clock()
        due = group.slots.at_or_before(now)
        # The first evaluation, which does not wait for its time, and one after a step of the clock stand apart.
        last = group.last_evaluation
        self.evaluate_group(group, due if last is not None and due > last else now)

    def evaluate_group(self, group: RuleGroup, now: int) -> None:
        """Evaluate a group at a time in milliseconds, in the calling thread."""
        group.evaluate(now)

    def group(self, file: str, name: str) -> RuleGroup:
        """Return a group that is in force.

        Raises:
            KeyError: there is none of that name.
        """
        return self._groups[GroupKey(file, name)]

    def stop(self) -> None:
        """End all evaluations, waiting for those that run. The alerts stay as they are for the next start."""
        with self._changing:
            for key, group in self._groups.items():
                self._unschedule(key)
                group.stop()

    def _unschedule(self, key: GroupKey) -> None:
        try:
            self._scheduler.remove_job(_job_id(key))
        except JobLookupError:
            _logger.debug("group %s was not scheduled", key)

    def groups(self) -> list[RuleGroupStatus]:
        """Tell how all groups stand, in the order of their files."""
        return [group.status() for group in self._groups.values()]

    def alerts(self) -> list[Alert]:
        """Return every pending and firing alert."""
        return [alert for group in self.groups() for rule in group.rules for alert in rule.alerts]

    def changes(self, limit: int) -> list[AlertChange]:
        """Return the latest changes of alerts' states, newest first."""
        return self._store.changes(limit)


def _job_id(key: GroupKey) -> str:
    return f"rules:{key}"
