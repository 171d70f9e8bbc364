"""Measures Benchy on a GPU against plain lm-eval, and tells what becomes of the GPU after a crash."""
