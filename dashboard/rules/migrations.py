"""The tables of the rules: the state of every alert, and the log of its changes."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("rules")


@migrations()
def create_alert_tables(database: Database) -> None:
    """Create the tables that `dashboard.rules.state` reads and writes; times are milliseconds, labels JSON objects."""
    database.execute(
        """
        CREATE TABLE rule_group (
            file TEXT NOT NULL,
            name TEXT NOT NULL,
            last_evaluation INTEGER NOT NULL,
            PRIMARY KEY (file, name)
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE alert (
            file TEXT NOT NULL,
            group_name TEXT NOT NULL,
            rule TEXT NOT NULL,
            labels TEXT NOT NULL,
            state TEXT NOT NULL,
            annotations TEXT NOT NULL,
            value REAL,
            active_at INTEGER NOT NULL,
            fired_at INTEGER,
            resolved_at INTEGER,
            keep_firing_since INTEGER,
            last_sent_at INTEGER,
            valid_until INTEGER,
            generator_url TEXT NOT NULL,
            PRIMARY KEY (file, group_name, rule, labels)
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE alert_change (
            id INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            file TEXT NOT NULL,
            group_name TEXT NOT NULL,
            labels TEXT NOT NULL,
            before TEXT NOT NULL,
            after TEXT NOT NULL,
            value REAL
        )
        """
    )
