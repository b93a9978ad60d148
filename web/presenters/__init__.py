"""Presenters word values for the pages; templates only place the words."""
