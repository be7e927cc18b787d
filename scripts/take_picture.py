"""Takes the README's picture: the demo's overview with two incidents under way.

    python scripts/take_picture.py

It needs the demo's ports free, Chromium, and the packages of the tests.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / ".github" / "overview.png"
PORT = 5000
INCIDENTS = {8001: "outage", 8005: "errors"}
SLOW = 120_000


def photograph(page: Page) -> None:
    page.goto(f"http://localhost:{PORT}/")
    for port, kind in INCIDENTS.items():
        requests.post(f"http://localhost:{port}/incident", json={"kind": kind, "seconds": 300}, timeout=5)
    expect(page.locator("#situation")).to_contain_text("2 alerts firing", timeout=SLOW)
    # The sparklines show the incident, too, some polls later.
    page.wait_for_timeout(15_000)
    page.screenshot(path=PICTURE)


def main() -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        command = [sys.executable, "-m", "dashboard", "demo", "--no-browser", "--port", str(PORT), "--data-dir", data]
        server = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        next(line for line in server.stderr or () if "listening on" in line)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            photograph(browser.new_page(viewport={"width": 1280, "height": 846}, color_scheme="dark"))
        finally:
            browser.close()
            server.terminate()
            server.communicate(timeout=30)
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
