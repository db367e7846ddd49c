"""Properties: what must hold of every possible report, in the words of the ruleset, and the proof that it does.

`reading` reads properties.yaml; `proving` proves what it says, or finds the smallest report that breaks it.
"""
