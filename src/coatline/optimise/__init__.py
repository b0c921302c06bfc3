"""Best recipes: objective, optimum, Pareto front, inverse design and rounds of the closed loop."""
