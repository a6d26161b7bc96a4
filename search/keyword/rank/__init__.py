"""How well articles fit some words: BM25F, and the best articles without scoring them all."""
