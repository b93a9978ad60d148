"""JSON for applications and tools."""
