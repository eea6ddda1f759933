"""What clients and servers say to each other: messages, tensors, states and sentences; no I/O."""
