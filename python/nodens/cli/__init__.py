"""Words -> calls. Arguments, exit codes, printing of problems. No decisions."""
