"""The GPU worker: what runs inside the child process or container.

torch, transformers and lm_eval are imported only here, and only inside functions, but for ``fast``, whose model type is
a subclass of lm-eval's. Nothing here imports Prefect.
"""
