"""How the equations are solved: linear algebra, time coefficients, step control, the loop."""
