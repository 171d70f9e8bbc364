"""The evaluation step: lm-evaluation-harness on the loaded model."""
