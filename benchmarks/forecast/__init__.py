"""How good burn and runway are: made-up accounts with known truth, baselines, a scorer."""
