"""Columns, backfill, compaction and backup of history (road step 4)."""
