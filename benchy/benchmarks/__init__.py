"""Benchmarks on the host's side: lm-eval's index, a benchmark's own files and datasets."""
