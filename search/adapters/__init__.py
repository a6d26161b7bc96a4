"""Adapters: the archive as a retriever of LangChain, LlamaIndex and Haystack."""
