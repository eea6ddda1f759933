"""How well a model knows a text: scores, perplexities, comparisons."""
