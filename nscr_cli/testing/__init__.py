"""A running registry for tests of registry clients: docs/how-to/test-a-client.md.

`plugin.py` is what pytest loads in every session of everybody who has nscr installed: it and this module import nothing
else, and the fixtures the rest. Nothing in nscr_cli imports this package.
"""
