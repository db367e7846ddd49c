"""Mutation testing of rulesets: small wrong changes, the cases that notice them, and a patient for each survivor.

`operators` makes the changes, `case_runs` runs the cases against them, `equivalence` proves that a change has no effect
or finds a report with another result, `running` puts these together. See docs/reference/mutation.md.
"""
