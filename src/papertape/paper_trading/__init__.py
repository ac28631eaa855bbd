"""Trading on paper: portfolio, execution, analytics, experiments (plan days 7 to 10)."""
