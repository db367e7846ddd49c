"""Evidence about a ruleset before it goes live: solver, checks, properties, cases, coverage, mutation, diff."""
