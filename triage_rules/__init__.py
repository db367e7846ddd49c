"""Rules that turn symptom reports into levels: read, checked, compiled, run, explained."""
