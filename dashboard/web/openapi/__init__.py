"""The description of the whole API in OpenAPI 3.1, at ``/api/v1/openapi.yaml``.

Summaries are the first sentences of the handlers' docstrings; parameters and answers stand in the tables of
`dashboard.web.openapi.prometheus` and `dashboard.web.openapi.cockpit`, by path.
"""

from dashboard.web.openapi.document import describe
from dashboard.web.openapi.route import blueprint

__all__ = ["blueprint", "describe"]
