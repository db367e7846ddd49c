"""The rule language: the types of a ruleset, and how its file is read."""
