"""Rule groups evaluated on schedule: recording rules, alerting rules, and the alerts' states.

`manager.RuleManager` is the door; `alert.py` holds the state machine of one alert, without clock, query or storage.
"""
