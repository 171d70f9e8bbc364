"""Signals at random moments to random processes of a run: nothing is lost, changed, left behind or hung."""
