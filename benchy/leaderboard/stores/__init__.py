"""Where a leaderboard is kept: a folder, or a dataset on the Hub."""
