"""Faults, injected into real servers, and what visitors see of them: `python -m tests.faults`."""
