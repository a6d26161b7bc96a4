"""Retrieval for assistants: passages within a token budget, citations, and the checking of quotations."""
