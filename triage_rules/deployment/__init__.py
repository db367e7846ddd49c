"""Deployment: check a ruleset, make it the live version, and follow live versions."""
