"""Forms: shapes and types of what people type. Rules stand in experiments."""
