"""Intake: a posted report, a form, and signed links."""
