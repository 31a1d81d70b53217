"""Bugs of real registries on purpose: one small wrapper around a seam each, to prove that a tester finds them."""
