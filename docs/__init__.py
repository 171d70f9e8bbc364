"""What writes the pages of the docs that are made from the code."""
