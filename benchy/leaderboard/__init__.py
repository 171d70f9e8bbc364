"""The leaderboard: an append-only store of records, and a table of them that is made anew with each one.

::

    <leaderboard>/
      records/<run name>/        one folder a run; appears whole, and never changes again
        record.json              the run's record as published
        results_*.json           lm-eval's own, unchanged
      leaderboard.json           the ranking as data (benchy.leaderboard.board is its form)
      leaderboard.csv            one row a run
      leaderboard.html           the page for people; needs no network and no other file

What is published of a run (``publication``), which runs may be compared and how they rank (``comparability``,
``ranking``) and what the three files say (``rendering``) is decided without touching a disk; ``folder`` does the
writing.
"""
