"""The quality gate: a verdict on every record, never a drop. PURE."""
