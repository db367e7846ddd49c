"""A small adapter for each engine: the same logical ruleset, in the form that its users would choose."""
