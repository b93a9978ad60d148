"""Certificates: what a metric's comparisons say where there is nothing to find."""
