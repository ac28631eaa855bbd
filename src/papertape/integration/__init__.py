"""MCP server, product owner, pipeline U1 to U5, breakers, audit, alerts, metrics (road step 7)."""
