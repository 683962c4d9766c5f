"""`python -m compare`."""

from compare.cli import app


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m compare")


if __name__ == "__main__":
    main()
