"""Catalog, segments, snapshots, locks and checksums: the only room that writes files."""
