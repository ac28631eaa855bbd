"""Postings, accounts, margin, financing, fees, risk (road step 2). PURE."""
