"""Windows of a stream of characters: where they lie, and the dataset that reads them."""
