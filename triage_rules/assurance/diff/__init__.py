"""Two versions of a ruleset: the changes, and for whom the result differs. See docs/reference/diff.md."""
