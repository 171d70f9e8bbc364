"""Further forms in which a leaderboard is published, each for another reader."""
