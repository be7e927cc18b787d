"""Unit tests of rules: promtool's files, and its notation of series, over our own rules and evaluator.

`run_file` plays a unit-test file. The pieces below it serve whoever has expectations in another form, such as
Prometheus's PromQL test scripts:

    store = MemoryStore()                                        # one for each stretch between two ``clear``
    store.load(300_000, [parse_series("http_requests{job='api'} 0+10x10"), parse_series("x 1 _ stale")])
    store.load(60_000, [parse_series("y 1x3")])                  # any number of loads; times count from 0
    store.reveal()                                               # queries see nothing before
    engine = Engine(store, registry=CollectorRegistry(), default_step=60_000)
    Expectation("sum(x)", At(60_000), [parse_series("{} 1")]).problems(engine)
    Expectation("x", Over(0, 120_000, 60_000), [parse_series("x 1 _ 3")]).problems(engine)
    Expectation("1 + 1", At(0), 2.0).problems(engine)
    Expectation("x + on () y", At(0), Failure(says=lambda message: "many-to-many" in message)).problems(engine)
    Expectation("rate(x[1m])", At(0), [], infos=Remarks(wanted=[pattern.search])).problems(engine)

``problems`` returns a list that is empty where the answer is as expected, to a relative 1e-6 unless another `Tolerance`
is given. `parse_series` reads ``1 2``, ``a+bxn``, ``a-bxn``, ``axn``, ``_``, ``_xn``, ``stale``, ``NaN`` and ``Inf``
behind a name with labels; it raises ``ParseError`` for native histograms, which are not supported.
"""

from dashboard.rules.unit_tests.expectation import At, Expectation, Failure, Over, Remarks, Tolerance
from dashboard.rules.unit_tests.file import load_unit_tests
from dashboard.rules.unit_tests.junit import junit_xml
from dashboard.rules.unit_tests.memory import MemoryStore
from dashboard.rules.unit_tests.notation import SeriesDescription, parse_metric, parse_series, parse_values
from dashboard.rules.unit_tests.runner import CaseResult, FileResult, run_file

__all__ = [
    "At",
    "CaseResult",
    "Expectation",
    "Failure",
    "FileResult",
    "MemoryStore",
    "Over",
    "Remarks",
    "SeriesDescription",
    "Tolerance",
    "junit_xml",
    "load_unit_tests",
    "parse_metric",
    "parse_series",
    "parse_values",
    "run_file",
]
