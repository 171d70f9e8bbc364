"""All that is checked before anything is downloaded or loaded."""
