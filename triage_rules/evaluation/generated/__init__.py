"""The plain evaluator: a ruleset's conditions as one straight-line Python function.

Returns the same as `triage_rules.evaluation.reference`, about fifty times as fast, since it looks up no condition;
tests compare the two on random rulesets. Like the reference it shares no code with compiler or engine.
"""
