"""Which texts are copies of one another: by their words in order, never by their topic."""
