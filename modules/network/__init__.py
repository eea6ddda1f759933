"""The networks: cells, their gradients by hand, layers, the models of both tasks."""
