"""Who does what in the tests."""

from triage_rules.audit import Actor, Via

TESTER = Actor("tester", Via.CLI)
