"""A draft of a ruleset, worked on: what is wrong with it, what it does with cases and with a patient, what it changes.

Values in, values out; `Bench` asks for all of it in a process of its own, since a draft may be anything.
"""
