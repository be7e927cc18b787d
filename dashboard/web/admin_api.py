"""What changes the store, under Prometheus's names (web/api/v1/api.go): deletion, cleaning up, snapshots.

As with everything that changes something, a browser's request must come from one of our own pages (``web/origin.py``).
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from flask import Response

from dashboard.database import DatabaseError
from dashboard.database.backup import back_up
from dashboard.web.api_blueprint import api_blueprint
from dashboard.web.envelope import ApiError, ErrorType, failed, succeeded
from dashboard.web.parameters import MAX_TIME, MIN_TIME, parameters
from dashboard.web.parts import parts
from dashboard.web.selectors import matcher_sets_of

SNAPSHOTS = "snapshots"
"""The folder of the data directory that holds them, as in Prometheus's."""

blueprint = api_blueprint("admin_api")
_CHANGES = ("POST", "PUT")


@blueprint.errorhandler(DatabaseError)
def answer_database_error(error: DatabaseError) -> Response:
    """Tell that the store could not be changed, or not all of it."""
    return failed(ErrorType.INTERNAL, str(error))


@blueprint.route("/admin/tsdb/delete_series", methods=_CHANGES)
def delete_series() -> Response:
    """Delete the samples of the series that match, between two times."""
    if not parameters().values_of("match[]"):
        raise ApiError(ErrorType.BAD_DATA, "no match[] parameter provided")
    start, end = parameters().time_of("start", MIN_TIME), parameters().time_of("end", MAX_TIME)
    parts().storage.delete_series(matcher_sets_of("match[]"), start, end)
    return Response(status=204)


@blueprint.route("/admin/tsdb/clean_tombstones", methods=_CHANGES)
def clean_tombstones() -> Response:
    """Give the space of deleted samples back to the disk."""
    parts().storage.clean_tombstones()
    return Response(status=204)


@blueprint.route("/admin/tsdb/snapshot", methods=_CHANGES)
def snapshot() -> Response:
    """Copy the database into a folder of its own below the data directory; ``glass restore`` puts it back."""
    file = parts().database.file
    moment = datetime.fromtimestamp(parts().clock() / 1000, UTC)
    name = f"{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(8)}"
    folder = file.parent / SNAPSHOTS / name
    parts().storage.flush()
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise ApiError(ErrorType.INTERNAL, f"create snapshot: {error}") from error
    back_up(file.parent, folder / file.name)
    return succeeded({"name": name})
