"""Two versions of a ruleset: the changed text, and the reports whose result differs. See docs/reference/diff.md."""
