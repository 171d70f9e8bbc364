"""Hostile and damaged input by the thousand, the same at each run: `make test` tries 300 cases, `make fuzz` 10,000."""
