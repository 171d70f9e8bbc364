"""What differs between back ends inside the worker."""
