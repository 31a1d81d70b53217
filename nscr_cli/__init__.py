"""nscr_cli: torture-tests, watches, gates and judges any OCI registry."""

from importlib.metadata import version

__version__ = version("nscr")
