"""Answers of the model: asked in batches, kept as they come, found again after a crash."""
