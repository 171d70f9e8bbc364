"""The GPUs of this host."""
