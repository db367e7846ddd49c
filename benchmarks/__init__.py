"""Measurements: `python -m benchmarks`. docs/reference/performance.md explains each figure."""
