"""The load of one run by several operating-system processes, each with its share of the workers."""
