"""Measurements for developers: `python -m benchmarks.NAME`."""
