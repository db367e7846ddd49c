"""Properties: claims about every possible report, in the words of the ruleset, and their proofs.

`reading` reads properties.yaml; `proving` proves each property, or finds the smallest report that breaks it.
"""
