"""The real Prometheus reads the same pages: what it takes and refuses, what it stores and what it reports.

Where it is unsafe we differ on purpose, and these are all such places:

- A line that begins with NUL ends the page silently, and so does a NUL in a comment that is no HELP or TYPE line: what
  follows is lost, and ``up`` is 1. We refuse the line, and read on behind the comment.
- A NUL behind the mark ``# EOF`` or within the words HELP and TYPE is passed over. To us it is bad, or a plain comment.
- Prometheus 3 stores ``{abc} 1`` as ``b``, and ends itself at ``{a} 1``. We refuse both, as Prometheus 2 does.
- Prometheus 3 takes blanks before a name for a part of it. We refuse such a name, as Prometheus 2 does.

- What would only cost memory is refused: more than 500,000 lines (more where the job's sample limit allows it), more
  than 1,000 labels in a set, and names, values and help texts of more than 16 MiB.

Of what Prometheus 3 takes and 2 refuses we read the names in quotes. We refuse, as 2 and the text of OpenMetrics do, an
empty OpenMetrics page, a comma behind the last label of one, and exemplars of other series than ``_total`` and
``_bucket``. As 2 we leave values of ``le`` and ``quantile`` as they are written, where 3 stores ``1.0`` for ``1``.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping

import pytest

from dashboard.exposition.errors import ExpositionError
from dashboard.exposition.page import Page
from dashboard.exposition.parser import parse
from dashboard.model.labels import Labels

from .damage import damaged
from .pages import CORPUS, NAMES, OPENMETRICS, TEXT, CorpusPage
from .prometheus import Served, Verdict, judge

NOW = int(time.time() * 1000)
STAMPED = {
    "text": Served(b"a %d %d\na 3 %d\na 4 %d\nb 5\n" % (2, NOW - 9000, NOW - 8000, NOW - 8000), TEXT),
    "ancient": Served(b"a 1 0\na 1 12\nb 2\n", TEXT),
    "far ahead": Served(b"a 1 9223372036854775807\nb 2\n", TEXT),
    "openmetrics": Served(b"a 2 %.3f\n# EOF\n" % (NOW / 1000 - 9), OPENMETRICS),
    "beyond all time": Served(b"a 2 1e30\nb 2\n# EOF\n", OPENMETRICS),
    "before all time": Served(b"a 2 -1e300\nb 2\n# EOF\n", OPENMETRICS),
}
UNSAFE = {
    "line begins with nul": Served(b"a 1\n\x00b 2\nc 3\n", TEXT),
    "nul alone": Served(b"\x00", TEXT),
    "nul in a comment": Served(b"a 1\n#\x00\nb 2\n", TEXT),
    "nul behind the mark": Served(b"a 1\n# EOF\n\x00", OPENMETRICS),
}
EXEMPLARS = {
    "of the sample's time": Served(b'a_total 1 %.3f # {x="y"} 2\n# EOF\n' % (NOW / 1000 - 9), OPENMETRICS),
    "of its own time": Served(b'a_total 1 # {x="y"} 2 %.3f\n# EOF\n' % (NOW / 1000 - 9), OPENMETRICS),
}
PAGES = [Served(page.body, page.content_type) for page in CORPUS]
LARGER = [
    Served(
        b"# HELP http_requests_total Requests by code, \\n escaped.\n# TYPE http_requests_total counter\n"
        b'http_requests_total{code="200",path="/a \\"b\\" \\\\"} 1027\nhttp_requests_total{code="400",path=""} 3 %d\n'
        b'# TYPE up_seconds gauge\nup_seconds 1.5e-3\nodd NaN\n# plain\n\nh_bucket{le="+Inf"} 4\n' % (NOW - 20_000),
        TEXT,
    ),
    Served(
        b'# HELP r_total Requests.\n# TYPE r counter\nr_total{code="200"} 1027 # {trace_id="abc"} 0.5 %.3f\n'
        b'r_created{code="200"} 1.7e9\n# TYPE t_seconds gauge\n# UNIT t_seconds seconds\nt_seconds 1.5 %.3f\n# EOF\n'
        % (NOW / 1000 - 5, NOW / 1000 - 20),
        OPENMETRICS,
    ),
]
DAMAGED = [
    each
    for each in damaged(LARGER * 20 + [Served(page.body, page.content_type) for page in CORPUS if page.stored], 700, 1)
    if b"\0" not in each.body
]
GROUPS = {
    "corpus": PAGES,
    "stamped": list(STAMPED.values()),
    "unsafe": list(UNSAFE.values()),
    "exemplars": list(EXEMPLARS.values()),
    "damaged": DAMAGED,
}
# A name in quotes, in a label set or a line of metadata.
QUOTED_NAME = re.compile(rb'[{,] *"|[ \t}]"[^"]*"=|"[ \t]*"|(?:HELP|TYPE|UNIT)[ \t]+"')


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Verdict]]:
    """Let one Prometheus judge all pages, by group."""
    everything = [page for pages in GROUPS.values() for page in pages]
    found = iter(judge(everything, tmp_path_factory.mktemp("prometheus")))
    return {name: [next(found) for _ in pages] for name, pages in GROUPS.items()}


def ours(page: Served) -> Page | None:
    """Return what we read of a page, or nothing where we refuse it."""
    try:
        return parse(page.body, page.content_type)
    except ExpositionError:
        return None


def expected(page: Page, scraped_at: int) -> dict[Labels, list[tuple[int, str]]]:
    """Return what is stored of a page: of a series the first sample, or those with timestamps that rise."""
    stored: dict[Labels, list[tuple[int, float]]] = {}
    for sample in page.samples:
        timestamp = scraped_at if sample.timestamp is None else sample.timestamp
        known = stored.setdefault(sample.labels, [])
        if abs(timestamp - NOW) < 600_000 and (not known or known[-1][0] < timestamp):
            known.append((timestamp, sample.value))
    return {labels: [(at, as_go(value)) for at, value in samples] for labels, samples in stored.items() if samples}


def as_go(value: float) -> str:
    """Write a value in one way for both sides."""
    if math.isnan(value):
        return "NaN"
    return repr(value)


def stored(verdict: Verdict, scraped_at: int) -> dict[Labels, list[tuple[int, str]]]:
    """Return what Prometheus stored of the first scrape of a page; what has the scrape's time is at ``scraped_at``."""
    found: dict[Labels, list[tuple[int, str]]] = {}
    for labels, samples in verdict.samples.items():
        own = [(at, as_go(float(value))) for at, value in samples if at not in verdict.scrapes]
        of_scrape = [(scraped_at, as_go(float(value))) for at, value in samples if at in verdict.scrapes][:1]
        found[labels] = own + of_scrape
    return found


def check(page: Served, verdict: Verdict) -> None:
    read = ours(page)
    assert verdict.up == (read is not None), (page, verdict.error)
    if read is None:
        return
    scraped_at = NOW + 1
    assert stored(verdict, scraped_at) == expected(read, scraped_at), page
    assert verdict.scraped == len(read.samples), page
    told = {name: (each.type.value, each.help, each.unit) for name, each in read.metadata.items()}
    assert verdict.metadata == told, page


@pytest.mark.peers
@pytest.mark.parametrize("number", range(len(CORPUS)), ids=NAMES)
def test_prometheus_judges_stores_and_tells_the_same(verdicts: Mapping[str, list[Verdict]], number: int) -> None:
    verdict = verdicts["corpus"][number]
    page: CorpusPage = CORPUS[number]
    if page.in_quotes and page.stored is not None and not verdict.up:
        assert "INVALID" in verdict.error
        return
    check(PAGES[number], verdict)


@pytest.mark.peers
@pytest.mark.parametrize("number", range(len(STAMPED)), ids=list(STAMPED))
def test_prometheus_stores_the_same_timestamps(verdicts: Mapping[str, list[Verdict]], number: int) -> None:
    check(GROUPS["stamped"][number], verdicts["stamped"][number])


@pytest.mark.peers
@pytest.mark.parametrize("number", range(len(UNSAFE)), ids=list(UNSAFE))
def test_prometheus_takes_a_page_that_it_did_not_read(verdicts: Mapping[str, list[Verdict]], number: int) -> None:
    verdict, read = verdicts["unsafe"][number], ours(GROUPS["unsafe"][number])
    assert verdict.up
    assert read is None or len(verdict.samples) < len(read.samples)


@pytest.mark.peers
@pytest.mark.parametrize("number", range(len(EXEMPLARS)), ids=list(EXEMPLARS))
def test_prometheus_keeps_the_same_exemplars(verdicts: Mapping[str, list[Verdict]], number: int) -> None:
    (sample,) = parse(GROUPS["exemplars"][number].body, OPENMETRICS).samples
    exemplar = sample.exemplar
    assert exemplar is not None
    timestamp = exemplar.timestamp if exemplar.timestamp is not None else sample.timestamp
    (kept,) = verdicts["exemplars"][number].exemplars.values()
    assert kept == [(exemplar.labels, f"{exemplar.value:g}", timestamp)]


@pytest.mark.peers
def test_prometheus_judges_damaged_pages_the_same(verdicts: Mapping[str, list[Verdict]]) -> None:
    for page, verdict in zip(DAMAGED, verdicts["damaged"], strict=True):
        if not verdict.up and QUOTED_NAME.search(page.body) and ours(page) is not None:
            continue
        check(page, verdict)
