"""Every package's migrations, in the order in which they are applied."""

from __future__ import annotations

from dashboard.rules.migrations import migrations as rules
from dashboard.storage.migrations import migrations as storage

MIGRATIONS = (storage, rules)
