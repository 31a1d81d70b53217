"""Workloads: what clients do to a registry, which reads come last, and which checkers judge it. Pure."""
