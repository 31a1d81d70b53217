"""Pure generators of operations: what a logical client asks next, from a seed and from what was answered so far."""
