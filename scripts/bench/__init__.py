"""Benchmarks, one file each: ``scripts/bench/run NAME``. See ``__main__.py``."""
