"""The public test kit: naive twins, random worlds, conformance checks. Nothing that ships imports it."""
