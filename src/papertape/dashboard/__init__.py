"""The web page (road step 8)."""
