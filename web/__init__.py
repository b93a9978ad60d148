"""HTML for product managers and leadership."""
