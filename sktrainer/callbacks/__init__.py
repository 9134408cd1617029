"""Early stopping, training history and progress display."""
