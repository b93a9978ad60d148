"""Pure statistics: small summary tables in, estimates or typed reasons out."""
