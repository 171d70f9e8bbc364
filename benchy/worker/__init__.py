"""The GPU worker: what runs inside the child process or container.

torch, transformers and lm_eval are imported only here, and only inside functions. Nothing here imports Prefect.
"""
