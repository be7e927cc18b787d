"""A Flask app with prometheus-flask-exporter: ``python flask_app.py PORT``."""

import sys

from flask import Flask
from prometheus_flask_exporter import PrometheusMetrics
from waitress import serve

app = Flask(__name__)
metrics = PrometheusMetrics(app, group_by="endpoint")
metrics.info("app_info", "What runs here", version="1.2.3")


@app.get("/orders/<int:number>")
@metrics.summary("order_seconds", "How long an order takes", labels={"number": lambda: "any"})
def order(number: int) -> str:
    return str(number)


@app.get("/broken")
def broken() -> str:
    raise ValueError


serve(app, host="127.0.0.1", port=int(sys.argv[1]))
