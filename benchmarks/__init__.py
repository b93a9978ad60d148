"""What README and docs claim about speed, measured; run with `make bench`."""
