"""The plain evaluator, written out: a ruleset's conditions as one straight-line Python function.

It gives what `triage_rules.evaluation.reference` gives, about fifty times as fast, since it looks up no condition;
tests hold the two together on made rulesets. Like the reference it shares no code with compiler or engine.
"""
