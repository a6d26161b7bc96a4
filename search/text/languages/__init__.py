"""The languages that texts are written in: one object each, told of texts, with stems and function words."""
