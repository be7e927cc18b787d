"""The tables of the rules, which `dashboard.rules.state` reads and writes; times in milliseconds, labels as JSON."""

from __future__ import annotations

from dashboard.database import Migration, MigrationSet

_TABLES = (
    """
    CREATE TABLE rule_group (
        file TEXT NOT NULL,
        name TEXT NOT NULL,
        last_evaluation INTEGER NOT NULL,
        PRIMARY KEY (file, name)
    ) WITHOUT ROWID
    """,
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
    """,
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
    """,
)

migrations = MigrationSet(
    "rules",
    (
        Migration(
            "create_alert_tables",
            "The state of every alert, and the log of its changes.",
            up=_TABLES,
            down=("DROP TABLE alert_change", "DROP TABLE alert", "DROP TABLE rule_group"),
        ),
    ),
)
