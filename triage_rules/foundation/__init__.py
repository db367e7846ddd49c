"""Foundations that know nothing of triage: errors, settings, strict JSON, encryption, timestamps, Redis URLs."""
