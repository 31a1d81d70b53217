"""The consistency gate: walks a registry, and says whether everything is there, whole, and what it claims to be."""
