"""Two versions of a ruleset: what was written otherwise, and for whom the result differs. See docs/diff.md."""
