"""`triage red-flags`: each answer that can raise a result, with its mildest outcome (docs/reference/red-flags.md)."""
