"""Writing text inside the graph: reading a prefix, drawing, decoding, beam search."""
