"""Measures a start in a fresh clone: seconds until the page shows six apps up, cold and then warm.

    python scripts/bench_start.py [--warm N]

The clone lies in a path with a space and the home is empty. A cold start downloads what it needs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from servers import ROOT, free_port

APPS = 6
QUERY = urllib.parse.urlencode({"query": 'count(up{job!~"glass-cockpit|host"} == 1)'})


def six_are_up(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{QUERY}", timeout=5) as answer:
            result = json.load(answer)["data"]["result"]
    except (OSError, ValueError):
        return False
    return bool(result) and float(result[0]["value"][1]) >= APPS


def measure(clone: Path, home: Path, data: Path) -> tuple[float, float]:
    """Start, wait for six apps, stop; return the seconds of the start and of the stop."""
    port, begun = free_port(), time.monotonic()
    process = subprocess.Popen(
        ["./start_monitoring.sh", "--no-browser", "--port", str(port), "--data-dir", str(data)],
        cwd=clone,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not six_are_up(port):
        if process.poll() is not None:
            raise SystemExit(f"the launcher ended with {process.returncode}")
        time.sleep(0.05)
    started = time.monotonic() - begun
    process.send_signal(signal.SIGTERM)
    stopping = time.monotonic()
    process.wait(60)
    return started, time.monotonic() - stopping


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm", type=int, default=3, help="how many warm starts to measure")
    warm_starts = parser.parse_args().warm
    with tempfile.TemporaryDirectory(prefix="glass ") as folder:
        clone, home, data = Path(folder, "a clone"), Path(folder, "home"), Path(folder, "data")
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for number in range(1 + warm_starts):
            started, stopped = measure(clone, home, data)
            print(f"{'warm' if number else 'cold'}: six apps up after {started:.1f} s, stopped after {stopped:.1f} s")


if __name__ == "__main__":
    main()
