"""Everything that comes over the network: models and datasets."""
