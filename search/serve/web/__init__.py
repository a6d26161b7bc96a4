"""The page for people: searches, counts and articles as HTML, its state in the address, with or without scripts."""
