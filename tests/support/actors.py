"""Who does what in the tests."""

from triage_rules.records.audit import Actor, Via

TESTER = Actor("tester", Via.CLI)
