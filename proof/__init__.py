"""The long runs behind Abide's promises, and the report of what they measured."""
