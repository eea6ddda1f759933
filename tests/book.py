"""The book's functions, written anew, to compare with: Dive into Deep Learning, section 6.3."""


def data_iter_consecutive(ids, batch_size, num_steps):
    """The book's minibatches (X, Y), in order."""
    lane_length = len(ids) // batch_size
    lanes = ids[: batch_size * lane_length].reshape(batch_size, lane_length)
    for start in range(0, (lane_length - 1) // num_steps * num_steps, num_steps):
        X = lanes[:, start : start + num_steps]
        yield X, lanes[:, start + 1 : start + num_steps + 1]


def data_iter_random(ids, num_steps):
    """The book's examples (x, y), in the order of their start: unshuffled, unbatched."""
    for start in range(0, (len(ids) - 1) // num_steps * num_steps, num_steps):
        yield ids[start : start + num_steps], ids[start + 1 : start + num_steps + 1]
