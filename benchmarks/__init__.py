"""Measurements: `python -m benchmarks`. What each figure means stands in docs/reference/performance.md."""
