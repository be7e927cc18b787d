"""A FastAPI app with prometheus-fastapi-instrumentator: ``python fastapi_app.py PORT``."""

import sys

import uvicorn
from fastapi import FastAPI, HTTPException
from prometheus_fastapi_instrumentator import Instrumentator

app = FastAPI()
Instrumentator().instrument(app).expose(app)


@app.get("/orders/{number}")
def order(number: int) -> int:
    return number


@app.get("/broken")
def broken() -> None:
    raise HTTPException(503)


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
