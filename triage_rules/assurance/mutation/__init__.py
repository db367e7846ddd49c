"""Mutation testing of rulesets: small wrong changes, which of them the cases notice, and a patient for each other one.

`operators` makes the changes, `killing` runs the cases against them, `telling` proves that a change changes nothing or
finds a report that tells it apart, `running` puts these together. See docs/reference/mutation.md.
"""
