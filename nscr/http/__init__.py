"""The registry over HTTP: an ASGI application whose routes and failures are tables."""
