"""The enrolment API over HTTP: which route is carried out by which use case.

``routes(ports)`` is all that the composition root needs. Each route of ``schemas.enrollment_api``
passes the gate: token, scope, body, one transaction, one answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrollment.edge import bank, clients, documents
from enrollment.edge.gate import guarded
from enrollment.ports import EnrollmentPorts
from schemas.enrollment_api import ROUTES

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["EnrollmentPorts", "routes"]


def routes(ports: EnrollmentPorts) -> list[web.RouteDef]:
    """Give all routes of the API and its documents."""
    use_cases = {**bank.USE_CASES, **clients.USE_CASES}
    return [
        *(guarded(ports, route, use_cases[route.name]) for route in ROUTES),
        *documents.routes(),
    ]
