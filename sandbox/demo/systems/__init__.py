"""Plays: each system of the catalog by its own words, on the running stack; what was received where."""
