"""Benchmarks take minutes and a quiet machine: they are collected only where `make bench` asks for them."""

import os

collect_ignore_glob = [] if os.environ.get("NSCR_BENCHMARKS") else ["test_*.py"]
