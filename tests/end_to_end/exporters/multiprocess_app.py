"""Two processes of ``prometheus_client`` in multiprocess mode behind one page: ``python multiprocess_app.py PORT``."""

import subprocess
import sys

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app, multiprocess
from waitress import serve

DONE = Counter("jobs_done", "Jobs that were done", ["kind"])
WAITING = Gauge("jobs_waiting", "Jobs that wait", multiprocess_mode="livesum")
BY_PROCESS = Gauge("process_waiting", "Jobs that wait, by process", multiprocess_mode="all")
SECONDS = Histogram("job_seconds", "How long a job takes", ["kind"])


def work(kind: str) -> None:
    DONE.labels(kind).inc(3)
    WAITING.set(2)
    BY_PROCESS.set(1)
    SECONDS.labels(kind).observe(0.3)


if sys.argv[1] == "work":
    work("mail")
else:
    subprocess.run([sys.executable, __file__, "work"], check=True)
    work("print")
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    app = Flask(__name__)
    app.wsgi_app = make_wsgi_app(registry)
    serve(app, host="127.0.0.1", port=int(sys.argv[1]))
