"""What a package changes in the tables over time: one record a change, with the way there and the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlite_utils import Database as Tables
from sqlite_utils.migrations import Migrations


@dataclass(frozen=True, slots=True)
class Keepsake:
    """What the version before a migration could not read: a query that finds a row where there is such a thing."""

    query: str
    what: str


@dataclass(frozen=True, slots=True)
class Migration:
    """One change: the statements of ``up`` make it, those of ``down`` take it back.

    It is not taken back while there is one of its ``keepsakes``.
    """

    name: str
    about: str
    up: Sequence[str]
    down: Sequence[str]
    keepsakes: Sequence[Keepsake] = ()


@dataclass(frozen=True, slots=True)
class MigrationSet:
    """The migrations of one package, oldest first."""

    owner: str
    migrations: Sequence[Migration]

    def runner(self) -> Migrations:
        """Return what applies them, each in a transaction with the record that it ran."""
        runner = Migrations(self.owner)
        for each in self.migrations:
            runner(name=each.name)(_work(each.up))
        return runner


def _work(statements: Sequence[str]) -> Callable[[Tables], None]:
    def run(tables: Tables, /) -> None:
        for statement in statements:
            tables.execute(statement)

    return run
