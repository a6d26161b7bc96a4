"""What an address asks, read into its model at once.

FastAPI reads the parameters of a model one by one, and takes longer for the twenty of a search than the archive does to
answer it.
"""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from search.serve.arguments import takes_lists


def in_address(model: type[BaseModel]) -> Any:
    """A dependency: the model of what the address asks. Raises RequestValidationError for what does not fit."""
    lists = takes_lists(model)

    async def read(request: Request) -> BaseModel:
        given = request.query_params
        try:
            return model.model_validate(
                {name: given.getlist(name) if lists.get(name) else given[name] for name in given}
            )
        except ValidationError as error:
            faults = error.errors(include_url=False)
            raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in faults]) from None

    return Depends(read)


def described(model: type[BaseModel]) -> dict[str, Any]:
    """The parameters of the model, for the operation in the OpenAPI document."""
    schema = model.model_json_schema()
    required = schema.get("required", ())
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in required, "schema": one}
            | ({"description": one["description"]} if "description" in one else {})
            for name, one in schema["properties"].items()
        ]
    }
