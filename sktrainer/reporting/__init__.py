"""Results of a fit: history, report and plots."""
