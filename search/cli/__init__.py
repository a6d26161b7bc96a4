"""The command line: each command parses, calls the archive once, and prints."""
