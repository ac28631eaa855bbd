"""Design, tests, sequential analysis, bandits (road step 6). PURE."""
