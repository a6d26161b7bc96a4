"""The archive over HTTP: what clients may ask, and what they are answered."""
