"""Examples that run: `python -m nnfast.examples.mnist --data FOLDER`."""
