"""What an experiment is, who is in it, who saw it; and all tables."""
