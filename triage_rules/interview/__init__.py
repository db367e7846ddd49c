"""Interviews: which screen to show next, and how people with known answers get through."""
