"""Batches: every example once an epoch, or all in order."""

import numpy as np
import pytest

from compare.data import Data, DataLoader


def test_batches_cover_an_epoch_without_repetition():
    data = Data(x=np.arange(10), target=np.arange(10))
    drawn = DataLoader(data, 4, np.random.default_rng(0))
    epochs = [np.concatenate([next(drawn)[0], next(drawn)[0]]) for _ in range(3)]
    assert all(len({*epoch}) == 8 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_without_a_batch_size_all_is_given_in_order():
    data = Data(x=np.arange(3), target=np.arange(3))
    assert next(DataLoader(data, None, np.random.default_rng(0)))[0].tolist() == [
        0,
        1,
        2,
    ]


def test_a_batch_larger_than_the_data_is_refused():
    data = Data(x=np.arange(3), target=np.arange(3))
    with pytest.raises(ValueError, match="batch_size 4 is larger than the data, 3"):
        DataLoader(data, 4, np.random.default_rng(0))
