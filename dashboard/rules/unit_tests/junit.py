"""Results of unit tests in JUnit's XML, as promtool writes it (``util/junitxml`` of Prometheus)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from xml.etree import ElementTree as ET

from dashboard.rules.unit_tests.runner import FileResult

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(results: Sequence[FileResult], now: datetime) -> bytes:
    """Return one suite a file, with one case a test."""
    root = ET.Element("testsuites")
    for result in results:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_text(str(result.file)),
            tests=str(len(result.cases) or int(bool(result.error))),
            failures=str(sum(len(case.failures) for case in result.cases)),
            errors=str(int(bool(result.error))),
            skipped="0",
            timestamp=now.strftime("%Y-%m-%dT%H:%M:%S"),
        )
        for case in result.cases:
            element = ET.SubElement(suite, "testcase", name=_text(case.name))
            for failure in case.failures:
                ET.SubElement(element, "failure").text = _text(failure)
        if result.error:
            ET.SubElement(ET.SubElement(suite, "testcase", name="unknown"), "error").text = _text(result.error)
    return ET.tostring(root)


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
