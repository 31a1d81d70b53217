"""The report of a run as one HTML page that opens offline: no scripts, no fonts or pictures from elsewhere."""
