"""The plain evaluator, written out: a ruleset's conditions as one straight-line Python function.

It says what `triage_rules.reference` says, which looks each condition up anew and so takes some fifty times as long;
tests hold the two together on made rulesets. Like the reference it shares no code with compiler or engine.
"""
