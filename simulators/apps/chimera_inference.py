"""chimera-inference: takes inference jobs into a queue, and workers run them on models."""

from __future__ import annotations

from collections.abc import Sequence, Set

from simulators.chance import Amount, LogLogistic
from simulators.families import Family, Grid, LabelValues, counter, gauge, histogram, info
from simulators.http_flow import HttpFlow, Route, Visit
from simulators.incidents import EVERY_APP, IncidentKind
from simulators.model import App, Tick
from simulators.releases import fingerprint
from simulators.traffic import Profile
from simulators.work_queue import WorkQueue

NAME = "chimera-inference"

_ROUTES = (
    Route("POST", "/v1/infer", 0.7, LogLogistic(0.014, 3.4)),
    Route("GET", "/v1/jobs/{id}", 0.25, LogLogistic(0.006, 3.2)),
    Route("GET", "/v1/models", 0.05, LogLogistic(0.004, 3.2)),
)
_LATENCY_GRID = Grid.of((0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0), cuts=2)
_RUN = LogLogistic(0.22, 3.0)

_QUEUE_LIMIT = 5_000
_LINGER_MS = 400
# Jobs a second. A runaway batch client brings the flood, while most workers hang.
_WORKERS, _WORKERS_IN_INCIDENT, _FLOOD = 120.0, 12.0, 180.0

_MODELS = ("chimera-large", "chimera-small")
_SCHEMA, _STRAY_SCHEMA = "0042", "0041"
_CONNECTIONS_A_REQUEST = 0.8

_INCIDENTS = EVERY_APP | {IncidentKind.QUEUE, IncidentKind.STORAGE, IncidentKind.SCHEMA}


class InferenceModel:
    """An accepted job waits in the queue until a worker runs it: jobs accepted = processed + dead-lettered + depth."""

    def __init__(self) -> None:
        self._http = HttpFlow(NAME, _ROUTES)
        self._queue = WorkQueue(_QUEUE_LIMIT, _LINGER_MS)
        self._requests = counter("inference_requests_total", "Inference jobs run.")
        self._errors = counter("inference_errors_total", "Inference jobs that failed.")
        self._latency = histogram(
            "inference_latency_seconds", "Time from taking a job in until its result.", _LATENCY_GRID
        )
        self._depth = gauge("queue_depth", "Jobs that wait.")
        self._processed = counter("queue_processed_total", "Jobs taken from the queue and run.")
        self._dead = counter("queue_dead_lettered_total", "Jobs turned away because the queue was full.")
        self._connections = gauge("active_connections", "Open client connections.")
        self._model = info("model_info", "Models that are loaded.", "name", "revision", "hash")
        self._storage = gauge("storage_healthy", "Whether the model store answers (1) or not (0).")
        self._schema = info("schema_revision_info", "Database schema revisions.", "expected", "actual")

    @property
    def families(self) -> Sequence[Family]:
        queue = (self._depth, self._processed, self._dead, self._connections)
        inference = (self._requests, self._errors, self._latency)
        return (*self._http.families, *inference, *queue, self._model, self._storage, self._schema)

    def tick(self, tick: Tick[Amount]) -> None:
        infer, *others = self._http.arrivals(tick)
        if IncidentKind.QUEUE in tick.incidents:
            flood = tick.chance.poisson(tick.chance.constant(_FLOOD * tick.seconds))
            infer = Visit(infer.route, infer.count + flood)
        accepted, *_ = self._http.serve(tick, [infer, *others])
        self._work(tick, accepted)
        tick.ledger.set(self._connections, (), tick.chance.poisson(tick.rate * _CONNECTIONS_A_REQUEST))
        tick.ledger.set(self._storage, (), tick.chance.constant(float(IncidentKind.STORAGE not in tick.incidents)))

    def _work(self, tick: Tick[Amount], accepted: Amount) -> None:
        workers = _WORKERS_IN_INCIDENT if IncidentKind.QUEUE in tick.incidents else _WORKERS

        def step(_now_ms: int, inputs: Sequence[float]) -> Sequence[float]:
            done = self._queue.work(int(inputs[0]), int(workers * tick.seconds), tick.seconds * 1000)
            return done.processed, done.dead_lettered, done.depth

        processed, dead, depth = tick.chance.walk(step, accepted)
        tick.ledger.add(self._processed, (), processed)
        tick.ledger.add(self._dead, (), dead)
        tick.ledger.set(self._depth, (), depth)
        self._run(tick, processed, depth / workers)

    def _run(self, tick: Tick[Amount], processed: Amount, wait: Amount) -> None:
        tick.ledger.add(self._requests, (), processed)
        tick.ledger.add(self._errors, (), tick.chance.binomial(processed, tick.error_share))
        # The wait in the queue comes on top of the run: both together are a law with a larger median.
        slowdown = tick.slowdown + wait / _RUN.median
        tick.ledger.observe(self._latency, (), tick.chance.spread(processed, _RUN, slowdown, _LATENCY_GRID))

    def infos(self, incidents: Set[IncidentKind]) -> Sequence[tuple[Family, LabelValues]]:
        actual = _STRAY_SCHEMA if IncidentKind.SCHEMA in incidents else _SCHEMA
        models = [(self._model, (name, "r7", fingerprint(name, "r7"))) for name in _MODELS]
        return (*models, (self._schema, (_SCHEMA, actual)))


APP = App(NAME, 8004, Profile(peak_rate=45, capacity=110), _INCIDENTS, InferenceModel)
