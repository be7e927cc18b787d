"""``python -m dashboard`` is ``glass``."""

from dashboard.cli import main

main()
