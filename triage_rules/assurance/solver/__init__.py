"""Claims about every possible report: a ruleset as Boolean formulas, and a solver that finds a report or proves none.

`encoding` writes a ruleset's decision as formulas, `solver` looks for a report that makes formulas true, `witness`
makes the smallest such report and replays it through the evaluators. The solver is a third opinion on the rule
language: it shares the types with compiler, engine and reference evaluator, and no code. See
docs/explanation/analysis.md.
"""
