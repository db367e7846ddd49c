"""Work on a draft of a ruleset: its faults and likely mistakes, its cases, a patient to try, its changes.

Plain values in, plain values out. `Bench` runs each request in a process of its own, because a draft may be anything.
"""
