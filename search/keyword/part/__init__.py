"""The keyword part of a segment: what is in it, how it is read, written and merged."""
