"""The machine that the worker runs on: devices, packages, use of the GPUs."""
