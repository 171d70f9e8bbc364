"""Measures Benchy against plain lm-eval, and the cost of what is its own; ``make bench`` runs it."""
