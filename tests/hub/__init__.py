"""A loopback Hub: a real HTTP server that speaks the Hub's API, for tests of what Benchy puts on the wire."""
