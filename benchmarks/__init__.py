"""Speed and size, measured: `python -m benchmarks`, or `make bench`. No test depends on a clock; this does."""
