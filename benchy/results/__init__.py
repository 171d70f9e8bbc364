"""What finished runs say: their files, what makes them comparable, which differences are significant."""
