"""What a fit leaves behind for people: its history, its report, its pictures."""
