from __future__ import annotations

import copy
import pickle

import pytest

from search import Archive
from search.errors import UsageError
from search.ingest import read
from search.query.comparisons import Compare
from search.records import Filters

from .conftest import SAMPLE

PATHS = [str(SAMPLE / name) for name in ("articles", "articles.jsonl", "articles.csv")]
QUESTION = "What did the court rule?"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.open(tmp_path_factory.mktemp("adapters") / "archive", create=True, model="hash") as opened:
        opened.add(list(read(PATHS)))
        yield opened


@pytest.fixture
def anyio_backend():
    return "asyncio"


def expected(archive, limit, **settings):
    found = archive.search(QUESTION, limit=limit, **settings)
    return [(hit.article.id, passage.start, passage.end) for hit in found for passage in hit.passages][:limit]


def langchain(archive, **settings):
    from search.adapters.langchain import BroadsheetRetriever

    retriever = BroadsheetRetriever(archive, **settings)
    return retriever, lambda: [(one.page_content, one.metadata) for one in retriever.invoke(QUESTION)]


def llamaindex(archive, k=4, **settings):
    from search.adapters.llamaindex import BroadsheetRetriever

    retriever = BroadsheetRetriever(archive, top_k=k, **settings)
    return retriever, lambda: [(one.node.text, one.node.metadata) for one in retriever.retrieve(QUESTION)]


def haystack(archive, k=4, **settings):
    from search.adapters.haystack import BroadsheetRetriever

    retriever = BroadsheetRetriever(archive, top_k=k, **settings)
    return retriever, lambda: [(one.content, one.meta) for one in retriever.run(QUESTION)["documents"]]


def answers(retriever):
    """The passages of any of the three, as text."""
    if hasattr(retriever, "invoke"):
        return [one.page_content for one in retriever.invoke(QUESTION)]
    if hasattr(retriever, "retrieve"):
        return [one.node.text for one in retriever.retrieve(QUESTION)]
    return [one.content for one in retriever.run(QUESTION)["documents"]]


ALL = pytest.mark.parametrize("adapter", [langchain, llamaindex, haystack])


@ALL
@pytest.mark.parametrize("settings", [{}, {"k": 1}, {"k": 500}, {"passages": 3}, {"mode": "keyword"}])
def test_passages_are_the_archives_own(adapter, archive, settings):
    found = adapter(archive, **settings)[1]()
    asked = {"mode": settings.get("mode", "auto"), "passages": settings.get("passages", 1)}
    places = [(meta["article_id"], meta["start"], meta["end"]) for _, meta in found]
    assert places == expected(archive, settings.get("k", 4), **asked)
    for text, meta in found:
        article = archive.get(meta["article_id"])
        assert article.text[meta["start"] : meta["end"]] == text
        assert (meta["title"], meta["source"], meta["url"]) == (article.title, article.source, article.url)


@ALL
def test_a_path_opens_late_and_survives_pickling(adapter, archive, tmp_path):
    adapter(tmp_path / "none")  # nothing is opened yet
    retriever, find = adapter(archive.path)
    assert find() == adapter(archive)[1]()
    again = pickle.loads(pickle.dumps(retriever))
    assert answers(again) == answers(retriever) == answers(copy.deepcopy(retriever))


@ALL
@pytest.mark.parametrize("wrong", [{"k": 0}, {"passages": 0}, {"mode": "psychic"}])
def test_settings_out_of_range_are_refused(adapter, archive, wrong):
    with pytest.raises(UsageError):
        adapter(archive, **wrong)[1]()


@pytest.mark.parametrize("adapter", [langchain, llamaindex])
def test_filters_bind(adapter, archive):
    source = archive.search(QUESTION)[0].article.source
    for filters in (Filters(sources=[source]), Compare("source", "eq", source)):
        found = adapter(archive, filters=filters)[1]()
        assert found
        assert {meta["source"] for _, meta in found} == {source}


@pytest.mark.anyio
async def test_langchain_calls_override_settings(archive):
    retriever = langchain(archive)[0]
    assert len(await retriever.ainvoke(QUESTION, k=2)) == 2
    source = archive.search(QUESTION)[0].article.source
    found = retriever.invoke(QUESTION, k=3, filters=Filters(sources=[source]))
    assert {one.metadata["source"] for one in found} == {source}
    assert found[0].id == f"{found[0].metadata['article_id']}#{found[0].metadata['start']}-{found[0].metadata['end']}"


def test_langchain_in_a_pipeline_and_as_a_tool(archive):
    from langchain_core.language_models import FakeListChatModel
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.runnables import RunnablePassthrough
    from langchain_core.tools import create_retriever_tool

    retriever = langchain(archive, k=2)[0]
    seen = []

    def shown(documents):
        seen.extend(documents)
        return "\n\n".join(one.page_content for one in documents)

    prompt = ChatPromptTemplate.from_template("{context}\n\n{question}")
    model = FakeListChatModel(responses=["It ruled [1]."])
    chain = {"context": retriever | shown, "question": RunnablePassthrough()} | prompt | model | StrOutputParser()
    assert chain.invoke(QUESTION) == "It ruled [1]."
    assert len(seen) == 2
    tool = create_retriever_tool(retriever, "news", "Searches news.", response_format="content_and_artifact")
    call = {"name": "news", "args": {"query": QUESTION}, "id": "1", "type": "tool_call"}
    message = tool.invoke(call)
    assert [one.id for one in message.artifact] == [one.id for one in seen]


@pytest.mark.anyio
async def test_llamaindex_nodes(archive):
    from llama_index.core.schema import MetadataMode

    retriever = llamaindex(archive, k=2)[0]
    found = await retriever.aretrieve(QUESTION)
    assert [one.node.node_id for one in found] == [one.node.node_id for one in retriever.retrieve(QUESTION)]
    for one, hit in zip(found, archive.search(QUESTION, limit=2), strict=True):
        assert one.score == hit.score
        assert one.node.ref_doc_id == hit.article.id
        assert hit.article.text[one.node.start_char_idx : one.node.end_char_idx] == one.node.text
        shown = one.node.get_content(metadata_mode=MetadataMode.LLM)
        assert "title: " in shown
        assert "cosine" not in shown


def test_llamaindex_in_a_query_engine(archive):
    from llama_index.core.llms import MockLLM
    from llama_index.core.query_engine import RetrieverQueryEngine

    engine = RetrieverQueryEngine.from_args(llamaindex(archive, k=2)[0], llm=MockLLM())
    answer = engine.query(QUESTION)
    assert len(answer.source_nodes) == 2
    assert answer.source_nodes[0].node.text in str(answer)


@pytest.mark.anyio
async def test_haystack_in_a_pipeline_serialised_and_loaded(archive):
    from haystack import Pipeline
    from haystack.components.builders import PromptBuilder

    pipeline = Pipeline()
    filters = {"field": "meta.length", "operator": ">", "value": 5}
    pipeline.add_component("retriever", haystack(archive, k=2, filters=filters)[0])
    template = "{% for one in documents %}{{ one.content }}\n{% endfor %}{{ query }}"
    pipeline.add_component("prompt", PromptBuilder(template=template, required_variables=["documents", "query"]))
    pipeline.connect("retriever.documents", "prompt.documents")
    asked = {"retriever": {"query": QUESTION}, "prompt": {"query": QUESTION}}
    first = pipeline.run(asked)
    again = Pipeline.loads(pipeline.dumps(), allowed_modules=["search.adapters.*"])
    assert again.run(asked) == first
    assert first["prompt"]["prompt"].endswith(QUESTION)
    retriever = again.get_component("retriever")
    assert retriever.to_dict() == pipeline.get_component("retriever").to_dict()
    assert (await retriever.run_async(QUESTION))["documents"] == retriever.run(QUESTION)["documents"]


def test_haystack_filters(archive):
    retriever = haystack(archive, k=50)[0]
    source = archive.search(QUESTION)[0].article.source
    same = {"field": "meta.source", "operator": "==", "value": source}
    other = {"operator": "NOT", "conditions": [same]}
    both = {"operator": "OR", "conditions": [same, other]}
    neither = {"operator": "AND", "conditions": [same, other]}
    asked = {"same": same, "other": other, "both": both, "neither": neither}
    found = {name: retriever.run(QUESTION, filters=one)["documents"] for name, one in asked.items()}
    assert {one.meta["source"] for one in found["same"]} == {source}
    assert source not in {one.meta["source"] for one in found["other"]}
    assert len(found["both"]) == 50
    assert found["neither"] == []


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"field": "meta.colour", "operator": "==", "value": "red"}, "there is no field 'colour'"),
        ({"field": "meta.source", "operator": "like", "value": "red"}, "'like' is not a comparison"),
        ({"field": "meta.source", "operator": "=="}, "has no value"),
        ({"operator": "XOR", "conditions": []}, "AND, OR or NOT"),
        ({"source": "BBC"}, "has an operator"),
    ],
)
def test_haystack_filters_that_cannot_be_served(archive, filters, message):
    with pytest.raises(UsageError, match=message):
        haystack(archive)[0].run(QUESTION, filters=filters)


@pytest.mark.parametrize(
    ("module", "package"), [("langchain", "langchain_core"), ("llamaindex", "llama_index"), ("haystack", "haystack")]
)
def test_without_the_package_the_extra_is_named(module, package):
    import subprocess
    import sys

    code = (
        f"import sys; sys.modules[{package!r}] = None\nfrom search.errors import MissingExtraError\n"
        f"try:\n    import search.adapters.{module}\nexcept MissingExtraError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"[{module}]" in done.stdout
