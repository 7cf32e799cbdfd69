"""`python -m hookgate_cli` is `hookgate`."""

from .main import main

if __name__ == "__main__":
    main()
