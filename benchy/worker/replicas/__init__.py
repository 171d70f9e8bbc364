"""Several copies of the model, each in a process of its own, sharing the work."""
