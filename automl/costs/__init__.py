"""Costs: budgets, operating points, shares and the plan. Pure."""
