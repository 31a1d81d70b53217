"""The reference registry: OCI Distribution Specification 1.1 and the NSCR monitoring API as an ASGI application."""

from importlib.metadata import version

__version__ = version("nscr")
