"""One run: its folder, its record, its log, its worker."""
