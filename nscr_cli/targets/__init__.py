"""Targets: the thing under test, and what can be done to it."""
