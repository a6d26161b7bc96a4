"""LangChain's own tests of a retriever."""

from __future__ import annotations

import pytest
from langchain_tests.integration_tests import RetrieversIntegrationTests

from search import Archive
from search.adapters.langchain import BroadsheetRetriever
from search.ingest import read

from .conftest import SAMPLE


@pytest.fixture(scope="module", autouse=True)
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("langchain") / "archive"
    with Archive.open(path, create=True, model="hash") as archive:
        archive.add(list(read([str(SAMPLE / "articles.jsonl")])))
    TestBroadsheetRetriever.archive_path = path


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.anyio
class TestBroadsheetRetriever(RetrieversIntegrationTests):
    archive_path = None

    @property
    def retriever_constructor(self):
        return BroadsheetRetriever

    @property
    def retriever_constructor_params(self):
        return {"archive": self.archive_path}

    @property
    def retriever_query_example(self):
        return "What did the court rule?"
