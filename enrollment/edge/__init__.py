"""The enrolment API over HTTP: which route is carried out by which use case.

``routes(ports)`` is all that the composition root needs. Each route of the API's tables
passes the gate: token, scope, body, one transaction, one answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment.edge import bank, clients, counter, documents, imports, own, search, visitors
from enrollment.edge.gate import guarded
from enrollment.ports import EnrollmentPorts
from schemas.enrollment_portal_api import ALL_ROUTES

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["EnrollmentPorts", "routes"]


def routes(ports: EnrollmentPorts) -> list[web.RouteDef]:
    """Give all routes of the API and its documents."""
    use_cases = {**bank.USE_CASES, **clients.USE_CASES, **visitors.USE_CASES, **own.USE_CASES}
    return [
        *(guarded(ports, route, use_cases[route.name]) for route in ALL_ROUTES),
        *counter.routes(ports),
        *imports.routes(ports),
        *search.routes(ports),
        *documents.routes(),
    ]
