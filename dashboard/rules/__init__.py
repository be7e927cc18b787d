"""Rule groups evaluated on schedule: recording rules, alerting rules, and the alerts' states.

`manager.RuleManager` is the door; `alert.py` holds the state machine of one alert, without clock, query or storage.
"""

from dashboard.rules.alert import Alert, AlertState
from dashboard.rules.errors import RuleError
from dashboard.rules.manager import RuleManager

__all__ = ["Alert", "AlertState", "RuleError", "RuleManager"]
