"""The ways in which scikit-learn's models go in iterations, and what they need."""
