"""Hits as text that other programs read: JSON, CSV, BibTeX, RIS. What comes from articles is made safe on its way."""
