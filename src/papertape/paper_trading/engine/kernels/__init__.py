"""The engine, compiled: functions over one state record. Nothing here is imported before a run needs it."""
