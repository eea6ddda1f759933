import numpy as np
import pytest
import tensorflow as tf

from modules.errors import TrainingError
from modules.network import bptt
from modules.network.cells import Linear
from modules.network.gradient_flow import CELLS, closed_form, closed_form_error, measure, survey


def curve(cell="linear", gain=1.0, **options):
    return measure(
        cell, gain, **{"num_steps": 12, "num_hiddens": 8, "clip_norm": 1.0, "seed": 0} | options
    )


def test_the_closed_form_by_hand():
    """One unit, W_hh = 3, W_qh = 2: dL/dh_1 = 2 (5 + 3 * 7 + 9 * 11)."""
    d_outputs = np.array([5.0, 7, 11]).reshape(3, 1, 1)
    found = closed_form(np.array([[3.0]]), np.array([[2.0]]), d_outputs)
    assert found.ravel().tolist() == [250, 80, 22]


def test_back_propagation_is_the_closed_form():
    """Any weights, and a loss at every step."""
    num_steps, batch_size, num_hiddens, vocab_size = 9, 3, 5, 4
    rng = np.random.default_rng(0)
    shapes = (
        (num_steps, batch_size, num_hiddens),
        (num_hiddens, num_hiddens),
        (num_hiddens, vocab_size),
        (num_steps, batch_size, vocab_size),
    )
    inputs, w_hh, w_qh, d_outputs = (
        tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes
    )
    state = [tf.zeros([batch_size, num_hiddens])]
    steps = bptt.forward(Linear(), inputs, state, [w_hh])
    d_hiddens = tf.matmul(d_outputs, w_qh, transpose_b=True)
    gradients = bptt.backward(Linear(), steps, [w_hh], d_hiddens, state)
    expected = closed_form(w_hh, w_qh, d_outputs)
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(gradients.hiddens / scale, expected / scale, atol=1e-5)


@pytest.mark.parametrize("gain", [0.5, 1, 1.5])
def test_the_networks_that_are_measured_keep_to_it(gain):
    assert 0 < closed_form_error(gain, num_steps=64, num_hiddens=32, seed=1) < 1e-5


@pytest.mark.parametrize("gain", [0.5, 1, 1.5])
def test_the_linear_network_s_gradients_vanish_or_explode_with_the_gain(gain):
    """Orthogonal weights times g: each step back multiplies the norm by g."""
    norms = curve(gain=gain).norms
    expected = [norms[-1] * gain**distance for distance in range(11, -1, -1)]
    np.testing.assert_allclose(norms, expected, rtol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_a_network_of_one_step_has_only_the_output_between_h_and_the_loss(cell):
    """dL/dh = (softmax(o) - y) W_qh^T / B: no recurrent weight is in it."""
    (norm,), (other,) = (curve(cell, gain, num_steps=1).norms for gain in (0.5, 1.5))
    assert norm == other > 0.01


def test_gates_let_gradients_through_that_a_plain_cell_loses():
    norms = {cell: curve(cell, 0.5, num_steps=64).norms[0] for cell in CELLS}
    assert norms["rnn"] < norms["linear"] < 1e-15 < norms["gru"] < norms["lstm"]


@pytest.mark.parametrize("cell", CELLS)
def test_clipping_scales_the_whole_curve(cell):
    free = curve(cell, clip_norm=1e9)
    assert free.clipped_norms == free.norms
    clipped = curve(cell, clip_norm=free.gradient_norm / 8)
    np.testing.assert_allclose(clipped.clipped_norms, np.array(clipped.norms) / 8)
    assert clipped.norms == free.norms


def test_the_same_seed_measures_the_same():
    assert curve("lstm", seed=3) == curve("lstm", seed=3)
    assert curve("lstm", seed=3) != curve("lstm", seed=4)


def test_gradients_that_leave_float32_are_refused():
    sentence = (
        r"^the gradients of linear with gain=10 exceed float32 within num_steps=60: "
        r"give fewer steps or a smaller gain$"
    )
    with pytest.raises(TrainingError, match=sentence):
        curve(gain=10, num_steps=60)


def test_a_survey_has_a_curve_for_each_cell_and_gain():
    found = survey((0.5, 1.5), num_steps=5, num_hiddens=4, clip_norm=1, seed=0)
    assert [(c.gain, c.cell) for c in found.curves] == [
        (gain, cell) for gain in (0.5, 1.5) for cell in CELLS
    ]
    assert len(found.closed_form_errors) == 2
