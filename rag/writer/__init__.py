"""Evidence -> a draft: by quoting, or by a language model whose sentences are checked."""
