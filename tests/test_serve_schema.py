"""What the OpenAPI document allows, and what it does not: schemathesis makes requests, none may be an error of ours."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from search import Archive
from search.ingest import read

from .conftest import SAMPLE
from .served import served

FUZZING = "BROADSHEET_SCHEMA_EXAMPLES" in os.environ  # scripts/fuzz_server asks for more, other ones each time
ATTEMPTS = 3
EXAMPLES = int(os.environ.get("BROADSHEET_SCHEMA_EXAMPLES", "5"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=not FUZZING,
    database=None,
)


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema") / "desk"
    with Archive.open(folder, create=True, model="hash") as archive:
        archive.add(read([str(SAMPLE / "articles.jsonl")]))
        archive.add_alert("dam", "Corran Dam", everything=True)
    with served(folder) as server:
        yield schemathesis.openapi.from_url(f"{server.address}/openapi.json")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fits", "does not fit"])
def test_no_request_is_an_error_of_the_server(schema, mode):
    tried = []
    with requests.Session() as session:
        for result in schema.get_all_operations():
            operation = result.ok()

            @BOUNDED
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case):
                tried.append(case.operation.label)
                case.call_and_validate(session=session, checks=CHECKS, timeout=60)

            with suppress(Unsatisfiable):  # nothing can be wrong with a request that takes no parameters
                for _ in range(ATTEMPTS):
                    with suppress(InvalidSchema):  # now and then the generator cannot finish a list that it began
                        ask()
                        break
    assert len(set(tried)) >= 10
