"""What things cost: budgets, operating points, the plan. Pure."""
