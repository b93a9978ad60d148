"""What happened: numbers only, from stored events to a stored verdict."""
