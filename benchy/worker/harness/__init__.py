"""The only folder that knows lm-eval's insides."""
