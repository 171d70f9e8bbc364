"""leaderboard.html: what a person looks at."""
