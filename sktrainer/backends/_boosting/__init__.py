"""Code shared by the gradient boosting backends."""
