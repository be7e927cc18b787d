#!/bin/sh
# Starts Glass Cockpit; all that is not finding a Python is in scripts/bootstrap.py.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
for python in python3 python python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then
        exec "$python" "$here/scripts/bootstrap.py" start "$@"
    fi
done
echo "Glass Cockpit needs Python 3.11 or newer, and no Python was found: https://www.python.org/downloads/" >&2
exit 1
