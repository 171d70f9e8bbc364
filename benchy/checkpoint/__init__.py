"""What a model's files say before any of them is loaded."""
