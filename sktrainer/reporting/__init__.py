"""Training report: its content, and its rendering as text, HTML, dict and plots."""
