"""The shell: configuration, clocks, logs, data directory, and the handlers of the actions."""
