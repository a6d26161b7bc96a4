"""All that knows language, and nothing that knows archives."""
