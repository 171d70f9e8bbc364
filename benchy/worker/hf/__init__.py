"""lm-eval's Hugging Face model type, but every shared prefix is computed once: ``backend: hf``.

``plan`` and ``pack`` decide, on plain arrays, what is computed together; ``budget`` bounds it by the memory that plain
lm-eval would take; ``forward`` computes; ``soundness`` says for which models that is right; ``model`` is the class.
"""
