"""The fit, from its arguments to the fitted state."""
