"""Vocabulary of the OCI specifications: pure values and parsers, standard library only."""
