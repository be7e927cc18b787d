"""Compares what we say of Prometheus configuration files with what promtool says.

    python scripts/compare_configs.py DIR [--promtool PATH]

reads every ``*.yml`` of a folder, such as Prometheus's own ``config/testdata``, and prints each file on which the two
do not agree, with the reason. A promtool that was built without some kind of discovery, or is older than a key, says
nothing of the files that need it: there the file's own name (``*.good.yml``, ``*.bad.yml``) is the judge. The exit code
is 1 if we judge a file otherwise, unless we say that something is not supported, or promtool is older than 3 and
refuses what Prometheus 3 allows.
"""

from __future__ import annotations

import argparse
import enum
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboard.config.errors import ConfigError
from dashboard.config.prometheus import load_prometheus_config
from dashboard.scrape.check import check_targets

_ALLOWED_SINCE_3 = re.compile(
    r"""
    "[^"\\]+"\ is\ (not\ a\ valid\ label\ name|invalid\ '(target_label|replacement)')
    | invalid\ scheme:
    | either\ oauth2\ client_secret\ or\ client_secret_file\ must\ be\ configured
    """,
    re.VERBOSE,
)
"""What promtool says before Prometheus 3: of names that are not plain letters, of schemes, and of empty secrets."""

_UNKNOWN = re.compile(r"field (\w+_sd_configs) not found")


class Verdict(enum.Enum):
    """How a file of the two opinions stands."""

    SAME = "same verdict"
    NOT_SUPPORTED = "refused by us as not supported"
    NEWER = "accepted by us, as Prometheus 3 does"
    TOO_STRICT = "refused by us alone"
    TOO_LAX = "accepted by us alone"


@dataclass(frozen=True, slots=True)
class Compared:
    """One file: why each side refuses it; an empty text stands for accepted."""

    file: Path
    theirs: str
    ours: str

    @property
    def verdict(self) -> Verdict:
        """What the two opinions make together."""
        if bool(self.theirs) == bool(self.ours):
            return Verdict.SAME
        if self.theirs:
            return Verdict.NEWER if _ALLOWED_SINCE_3.search(self.theirs) else Verdict.TOO_LAX
        return Verdict.NOT_SUPPORTED if "not supported" in self.ours else Verdict.TOO_STRICT


def our_reason(file: Path) -> str:
    """Return why we refuse a file, or an empty text."""
    try:
        config = load_prometheus_config(file, jobs_elsewhere=False)
    except ConfigError as error:
        return str(error)
    errors = [error for job in config.scrape_configs for error in check_targets(job, in_files=False).errors]
    return "\n".join(errors)


def their_reasons(promtool: str, files: Sequence[Path]) -> dict[Path, str]:
    """Return why promtool refuses each file, or an empty text; all are checked in one call."""
    command = [promtool, "check", "config", "--syntax-only", *map(str, files)]
    # Both streams in one, so that each failure stands below the name of its file.
    output = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
    ).stdout
    reasons: dict[Path, str] = {}
    for part in re.split(r"^Checking ", output, flags=re.MULTILINE)[1:]:
        name, _, said = part.partition("\n")
        crash = said.partition("\n")[0] if said.startswith("panic:") else ""
        reasons[Path(name)] = crash or said.partition("FAILED:")[2].strip()
    # A file can end promtool itself, which then says nothing of those behind it.
    left = [file for file in files if file not in reasons]
    return reasons | (their_reasons(promtool, left) if left and reasons else {})


def compare(promtool: str, files: Sequence[Path]) -> list[Compared]:
    """Ask both sides about each file."""
    theirs = their_reasons(promtool, files)
    return [Compared(file, _judged(file, theirs[file]), our_reason(file)) for file in files]


def _judged(file: Path, reason: str) -> str:
    """Return promtool's reason, or what the file's name says where promtool does not know a kind of discovery."""
    missing = sorted(set(_UNKNOWN.findall(reason)))
    known_kind = not missing or any(kind.startswith("consult_") for kind in missing)
    if known_kind or not re.search(r"\.(good|bad)\.yml$", file.name):
        return reason
    return f"by its name: {reason}" if file.name.endswith(".bad.yml") else ""


def main() -> int:
    """Compare a folder, print the table and return the exit code."""
    parser = argparse.ArgumentParser(description="Compare verdicts on Prometheus configuration files with promtool's.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--promtool", default="promtool", help="the promtool to compare with")
    arguments = parser.parse_args()
    compared = compare(arguments.promtool, sorted(arguments.folder.glob("*.yml")))
    for one in compared:
        if one.verdict is not Verdict.SAME:
            print(
                f"{one.file.name}: {one.verdict.value}",
                f"    promtool: {one.theirs or 'accepts'}",
                f"    we: {one.ours or 'accept'}",
                sep="\n",
            )
    totals = Counter(one.verdict for one in compared)
    print("\n".join(f"{totals[verdict]:5} {verdict.value}" for verdict in Verdict))
    print(f"{len(compared):5} files, {sum(bool(one.theirs) for one in compared)} of them refused by promtool")
    return 1 if totals[Verdict.TOO_LAX] or totals[Verdict.TOO_STRICT] else 0


if __name__ == "__main__":
    sys.exit(main())
