"""Which articles satisfy a tree of conditions: words looked up, places joined, everything over whole arrays."""
