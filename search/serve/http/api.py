"""The archive over HTTP: everything the command line reads, as JSON with an OpenAPI document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from search._version import __version__
from search.errors import MissingExtraError, SearchError
from search.serve import guard, problems
from search.serve.desk import Desk

try:
    from fastapi import Depends, FastAPI, Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import Response
    from starlette.exceptions import HTTPException

    from search.serve.http import examples, responses, routes
except ImportError as error:
    raise MissingExtraError("fastapi", "server") from error

_PREFIX = "/v1"
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "The token that the server was given, if it was given one.",
}
_FAULTS = {
    400: "The request, or the query in it, cannot be served as asked.",
    401: "The token is missing or wrong.",
    403: "A web page of another site asked.",
    404: "There is no such thing.",
    408: "The request took too long to arrive.",
    413: "The request is too large.",
    421: "The server does not go by that name.",
    431: "The address and the headers are too long.",
    503: "The archive cannot be used, or the server is busy.",
    504: "The answer took too long.",
}


def create(desk: Desk, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    """The paths over a desk, and what is answered where something is wrong."""
    app = FastAPI(
        title="Broadsheet",
        version=__version__,
        summary="Hybrid search over a news archive",
        docs_url=None,  # these pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.include_router(routes.health(desk))
    known: dict[int | str, dict[str, Any]] = {
        code: {"model": responses.Problem, "description": text} for code, text in _FAULTS.items()
    }
    for router in (routes.searching(desk), routes.counting(desk), routes.articles(desk), routes.assistants(desk)):
        app.include_router(router, prefix=_PREFIX, responses=known, dependencies=[Depends(_known_names(app))])
    secured = desk.settings.token is not None
    _describe(app, desk.name, secured=secured)
    app.include_router(routes.documentation(app.openapi, secured=secured))
    _add_errors(app, desk)
    return app


def _is_list(schema: dict[str, Any]) -> bool:
    return any(one.get("type") == "array" for one in (schema, *schema.get("anyOf", ())))


def _known_names(app: FastAPI) -> Callable[[Request], Awaitable[None]]:
    """A check that every query parameter is known, and given once unless it is a list: a filter that is left out by
    mistake changes the answer."""
    known: dict[tuple[str, str], dict[str, bool]] = {}

    def names(path: str, method: str) -> dict[str, bool]:
        if (found := known.get((path, method))) is None:
            paths = app.openapi()["paths"]
            # Whether a route knows the prefix that it was included under depends on FastAPI's version.
            parameters = paths[path if path in paths else _PREFIX + path][method].get("parameters", [])
            found = {one["name"]: _is_list(one["schema"]) for one in parameters if one["in"] == "query"}
            known[path, method] = found
        return found

    async def check(request: Request) -> None:
        allowed = names(request.scope["route"].path_format, request.method.lower())
        faults = []
        for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
            if name not in allowed:
                faults.append({"type": "extra_forbidden", "loc": ("query", name), "msg": ""})
            elif times > 1 and not allowed[name]:
                faults.append({"type": "repeated", "loc": ("query", name), "msg": "give it once"})
        if faults:
            raise RequestValidationError(faults)

    return check


def _describe(app: FastAPI, archive: str, *, secured: bool) -> None:
    """Make the OpenAPI document say what is: 400 where FastAPI says 422, an example of everything, and the token where
    one is asked for."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = original()
            for operations in document["paths"].values():
                for operation in operations.values():
                    operation["responses"].pop("422", None)
                    for code, response in operation["responses"].items():
                        if code != "200" and (content := response.get("content")):  # errors are JSON on every path
                            response["content"] = {"application/json": next(iter(content.values()))}
            for name in ("HTTPValidationError", "ValidationError"):
                document.get("components", {}).get("schemas", {}).pop(name, None)
            document["components"]["securitySchemes"] = {"token": _BEARER}
            if secured:
                document["security"] = [{"token": []}]
                for path in guard.OPEN_PATHS:
                    document["paths"][path]["get"]["security"] = []
            examples.describe(document, archive, secured=secured)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _add_errors(app: FastAPI, desk: Desk) -> None:
    @app.exception_handler(SearchError)
    async def refused(request: Request, error: SearchError) -> Response:
        code = problems.status(error)
        headers = {"Retry-After": str(problems.RETRY_AFTER)} if code in (409, 503, 504) else None
        body = problems.of(error, desk.settings.folder, store="/vector_stores/" in request.url.path)
        return Response(body, code, media_type="application/json", headers=headers)

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> Response:
        return Response(problems.of_validation(error.errors()), 400, media_type="application/json")

    @app.exception_handler(HTTPException)
    async def unserved(_: Request, error: HTTPException) -> Response:
        kind = {404: "PathNotFound", 405: "MethodRefused"}.get(error.status_code, "UsageError")
        found = routes.problem(error.status_code, kind, str(error.detail))
        found.headers.update(error.headers or {})
        return found

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:
        """What nobody expected: the server logs it and does not tell it."""
        return routes.problem(500, "InternalError", "internal error; the server's log has it. Please report it.")
