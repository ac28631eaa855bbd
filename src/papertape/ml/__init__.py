"""Features, labels, models, online learning, serving (road step 9); everything imported lazily."""
