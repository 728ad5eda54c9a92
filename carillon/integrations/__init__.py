"""Clients of the shipped catalog's areas, each in the words of its own product."""
