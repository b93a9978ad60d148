"""Wire to values and back: shapes and types only, the rules stand in experiments."""
