"""`python -m benchmark [experiment=NAME] [overrides]` is `whosenet run`."""

from benchmark.cli.app import main

if __name__ == "__main__":
    main()
