"""Explanation: a decision shown to people, as a graph and as the answers that would have changed it."""
