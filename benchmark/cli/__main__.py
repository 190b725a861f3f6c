"""`python -m benchmark.cli` is the command `whosenet`."""

from benchmark.cli.whosenet import main

if __name__ == "__main__":
    main()
