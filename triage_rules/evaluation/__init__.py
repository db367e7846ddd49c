"""Evaluation: from answers to a decision with its reasons, by two evaluators that share no code."""
