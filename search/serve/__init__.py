"""Servers over one archive: HTTP and the Model Context Protocol."""
