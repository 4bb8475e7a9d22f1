"""A simulated world: for the first five minutes, and for tests."""
