"""Command line of sktrainer: one file per command."""
