"""PyTorch's own recurrent layers on an Embedding, time first, which is its fastest layout.

bfloat16 is by autocast, as PyTorch advises for processors.
"""

import torch
from torch import nn

from benchmarks.contestants import Run
from benchmarks.minibatches import minibatches
from benchmarks.task import Task

_LAYERS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def prepare(task: Task) -> Run:
    """See `benchmarks.contestants`."""
    embedding = nn.Embedding(task.vocab_size, task.num_hiddens)
    recurrent = _LAYERS[task.cell](task.num_hiddens, task.num_hiddens)
    dense = nn.Linear(task.num_hiddens, task.vocab_size)
    weights = [*embedding.parameters(), *recurrent.parameters(), *dense.parameters()]
    optimizer = torch.optim.SGD(weights, task.learning_rate)
    # int64[steps, num_steps, batch_size]
    inputs, targets = (
        torch.from_numpy(ids).long().transpose(1, 2).contiguous() for ids in minibatches(task)
    )
    half = task.precision == "bfloat16"

    def run() -> None:
        state, total = None, 0.0
        for step in range(task.steps):
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                outputs, state = recurrent(embedding(inputs[step]), state)
                logits = dense(outputs).flatten(0, 1)  # [num_steps * batch_size, vocab_size]
                loss = nn.functional.cross_entropy(logits, targets[step].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, task.clip_norm)
            optimizer.step()
            state = tuple(s.detach() for s in state) if task.cell == "lstm" else state.detach()
            total += loss.item()

    return run
