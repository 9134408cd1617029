"""Command line as `python -m sktrainer`."""

from sktrainer.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
