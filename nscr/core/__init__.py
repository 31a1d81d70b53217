"""Decisions of the registry as pure functions and tables: no await, clock, disk or chance."""
