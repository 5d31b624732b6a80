"""torch's types: what is equal has one digest, what differs has another. Skipped where torch is not installed."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from merkl import digest

torch = pytest.importorskip("torch")


def _samples() -> list[object]:
    torch.manual_seed(1)
    ones, eye = torch.ones(3), torch.eye(4)
    dtypes = ("float16", "bfloat16", "float64", "int8", "uint8", "int64", "bool", "complex64", "float8_e5m2")
    linear = torch.nn.Linear(2, 2)
    marked = torch.ones(3)
    marked.unit = "m"
    return [
        *(ones.to(getattr(torch, name)) for name in dtypes),
        ones, -torch.zeros(3), torch.zeros(3), torch.ones(3, 1), torch.ones(1, 3), torch.empty(0), torch.empty(0, 3),
        torch.ones(3, requires_grad=True), torch.nn.Parameter(ones), torch.tensor(1.0), torch.tensor(1), marked,
        eye, eye.to_sparse(), eye.to_sparse_csr(), eye.to_sparse_csc(), eye.to_sparse_bsr((2, 2)), eye.to_sparse_bsc((2, 2)),
        torch.quantize_per_tensor(torch.ones(3), 0.1, 10, torch.quint8),
        torch.quantize_per_tensor(torch.ones(3) * 2, 0.2, 10, torch.quint8),
        torch.quantize_per_channel(torch.ones(2, 2), torch.tensor([0.1, 0.2]), torch.tensor([0, 0]), 0, torch.quint8),
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), torch.nested.nested_tensor([torch.ones(5)]),
        torch.empty(3, device="meta"), torch.empty(4, device="meta"), ones.to_mkldnn(),
        ones.untyped_storage(), torch.zeros(3).untyped_storage(),
        torch.float32, torch.device("cpu"), torch.strided, torch.Size([1, 2]), torch.ops.aten.add.Tensor,
        linear, torch.nn.Sequential(linear, torch.nn.ReLU()), torch.optim.Adam(linear.parameters()),
        linear.state_dict(), torch.distributions.Normal(0.0, 1.0), torch.Generator().manual_seed(1),
        torch.ones(100_000), torch.zeros(100_000),
    ]  # fmt: skip


def _digests() -> list[str]:
    return [digest(sample) for sample in _samples()]


@pytest.mark.filterwarnings("ignore")
def test_different_values_have_different_digests() -> None:
    """Layout, dtype, shape, scale, device, attributes and content count."""
    found = _digests()
    assert len(set(found)) == len(found)


@pytest.mark.filterwarnings("ignore")
def test_digests_are_the_same_in_another_process() -> None:
    """Nothing of a digest is an address, as in what a storage pickles to."""
    code = "from tests.serializers.test_torch import _digests; print(*_digests())"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == _digests(), done.stderr


@pytest.mark.parametrize(
    "make",
    [
        lambda: (torch.arange(12.0).reshape(3, 4).t(), torch.arange(12.0).reshape(3, 4).t().contiguous()),
        lambda: (torch.ones(1).expand(3), torch.ones(3)),
        lambda: (torch.tensor([1 + 2j]).conj(), torch.tensor([1 - 2j])),
        lambda: (torch.tensor([1 + 2j]).conj().imag, torch.tensor([-2.0])),
        lambda: (torch.ones(1, 2, 3, 3).to(memory_format=torch.channels_last), torch.ones(1, 2, 3, 3)),
    ],
)
def test_strides_and_lazy_signs_are_no_part_of_a_value(make: object) -> None:
    """A view has the digest of a contiguous tensor with the same items."""
    one, other = make()
    assert digest(one) == digest(other)


def test_a_model_keeps_its_digest_when_it_is_copied_or_pickled_and_changes_it_when_trained() -> None:
    """Gradients are lost by pickling, so they do not count; weights do."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    fresh = digest(model)
    assert digest(copy.deepcopy(model)) == digest(pickle.loads(pickle.dumps(model))) == fresh
    model(torch.ones(1, 2)).sum().backward()
    assert digest(model) == fresh
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert digest(model) != fresh
