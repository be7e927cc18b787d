"""The lint of a page says what promtool says of it."""

from __future__ import annotations

import subprocess

import pytest

from dashboard.exposition.lint import lint
from dashboard.exposition.parser import parse

from .pages import OPENMETRICS

PAGES = {
    "nothing unusual": b"# HELP a_seconds_total x\n# TYPE a_seconds_total counter\na_seconds_total 1\n",
    "no help": b"a 1\n# HELP b\nb 1\n# HELP c \nc 1\n",
    "metadata alone": b"# HELP nothing x\n# TYPE nothing_total gauge\n",
    "counter": b"# HELP a x\n# TYPE a counter\na 1\n",
    "total": b"# HELP a_total x\n# TYPE a_total gauge\na_total 1\n# HELP b_total x\nb_total 1\n",
    "units": b"".join(
        b"# HELP %b x\n%b 1\n" % (name, name)
        for name in (
            b"a_milliseconds",
            b"a_hours_total",
            b"a_kilobytes",
            b"thermometers",
            b"kilometers_x",
            b"a_kelvins",
            b"a_bits",
            b"a_bytes",
            b"a_metres",
            b"a_fahrenheit_x",
        )
    ),
    "abbreviations": b"# HELP a_ms x\na_ms 1\n# HELP b_mb_s x\nb_mb_s 1\n# HELP km_a x\nkm_a 1\n# HELP a_S x\na_S 1\n",
    "colons": b"# HELP a:b x\na:b 1\n",
    "camel case": b'# HELP fooBar x\nfooBar{aB="1",cD="2"} 1\nfooBar{aB="2"} 1\n',
    "type in the name": b"# HELP a_gauge x\na_gauge 1\n# HELP a_counter_b x\na_counter_b 1\n# HELP gauge x\ngauge 1\n",
    "histogram": b'# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n',
    "summary": b'# HELP s_x x\n# TYPE s_x summary\ns_x{quantile="1"} 1\ns_x_sum 1\ns_x_count 2\n',
    "labels of others": b'# HELP a x\n# TYPE a gauge\na{le="1"} 1\na{le="2",quantile="3"} 1\n# HELP b x\nb{le="1"} 1\n',
    "suffixes of others": b"".join(
        b"# HELP %b x\n# TYPE %b gauge\n%b 1\n" % (name, name, name) for name in (b"a_bucket", b"a_count", b"a_sum")
    ),
    "camel case and buckets": b'# HELP h x\n# TYPE h histogram\nh_bucket{aB="1",le="1"} 1\nh_sum{aB="1"} 1\n',
}


@pytest.mark.peers
@pytest.mark.parametrize("name", PAGES)
def test_promtool_finds_the_same(name: str) -> None:
    ran = subprocess.run(
        ["promtool", "check", "metrics"], input=PAGES[name], capture_output=True, timeout=30, check=False
    )
    problems = [f"{problem.metric} {problem.text}" for problem in lint(parse(PAGES[name]))]
    assert (ran.returncode, ran.stderr.decode().splitlines()) == (3 if problems else 0, problems)


def test_a_counter_of_openmetrics_has_its_suffix_in_its_series() -> None:
    page = b"# HELP a x\n# TYPE a counter\na_total 1\na_created 1\n# HELP b x\n# TYPE b counter\nb 1\n# EOF\n"
    assert [problem.metric for problem in lint(parse(page, OPENMETRICS))] == ["b"]
