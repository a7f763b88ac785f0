"""``/v1/health``, ``/v1/ready`` and ``/metrics``: for whoever operates the server. They answer also while nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

from fastapi import APIRouter, Header
from starlette.responses import JSONResponse, Response

from chatbot.api import examples
from chatbot.api.callers import Caller, needs
from chatbot.api.declared import errors, example
from chatbot.api.models import ErrorAnswer
from chatbot.api.models_people import Health, Readiness
from chatbot.api.service import LOADING_SECONDS, Service

Render = Callable[[str], tuple[bytes, str]]  # of what the request accepts: the metrics, and their content type
TEXT = "text/plain"
_METRICS: dict[str, Any] = {
    "content": {TEXT: {"schema": {"type": "string"}, "example": "# TYPE zhiyin_turns counter\n"}},
    "description": "In the format of Prometheus.",
}


def ops_router(service: Service, render: Render) -> APIRouter:
    """Return the routes; ``render`` writes the metrics."""
    router = APIRouter(tags=["operation"])

    @router.get(
        "/v1/health",
        operation_id="health",
        summary="Whether the process answers",
        responses={200: example({"status": "ok", "version": "1.0"}), **errors()},
    )
    async def health(_caller: Annotated[Caller, needs("monitor")]) -> Health:
        """It does, when this comes."""
        return Health(version=_version())

    not_ready = {"model": Readiness | ErrorAnswer, "description": "Not ready.", **example(examples.LOADING)}

    @router.get(
        "/v1/ready",
        operation_id="ready",
        summary="Whether messages can be answered",
        response_model=Readiness,
        responses={200: example(examples.READY), **errors(), 503: not_ready},
    )
    def ready(_caller: Annotated[Caller, needs("monitor")]) -> JSONResponse:
        """503 while the server loads, while it stops, and while its store is away: send nobody here then."""
        said = service.ready()
        headers = {} if said.ready else {"Retry-After": str(LOADING_SECONDS)}
        return JSONResponse(said.model_dump(), 200 if said.ready else 503, headers)

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Metrics",
        response_class=Response,
        responses={200: _METRICS, **errors()},
    )
    def metrics(
        _caller: Annotated[Caller, needs("monitor")], accept: Annotated[str, Header(include_in_schema=False)] = ""
    ) -> Response:
        """Turns, stages, tokens, caches, fallbacks, requests."""
        body, kind = render(accept)
        return Response(body, headers={"Content-Type": kind})

    return router


def _version() -> str:
    try:
        return version("zhiyin")
    except PackageNotFoundError:
        return "unknown"
