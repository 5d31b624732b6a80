"""torch: tensors and parameters by content, dtypes, devices, generators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch  # type: ignore[import-not-found,unused-ignore]  # pyright: ignore[reportMissingImports]

from merkl_serializers.names import class_header
from merkl_serializers.walk import Encoder, Walk
from merkl_serializers.wire import INLINE_LIMIT, hash_buffer, pack, pack_bytes, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]


def _tensor_bytes(value: Any, walk: Walk) -> bytes:
    if value.layout is not torch.strided:
        plain = value.detach().coalesce() if value.layout is torch.sparse_coo else value.detach()
        if value.layout is torch.sparse_coo:
            parts: tuple[Any, ...] = (plain.indices(), plain.values())
        elif value.layout in (torch.sparse_csr, torch.sparse_bsr):
            parts = (plain.crow_indices(), plain.col_indices(), plain.values())
        else:
            parts = (plain.ccol_indices(), plain.row_indices(), plain.values())
        return b"".join([_tensor_bytes(part, walk) for part in parts])
    plain = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
    raw = memoryview(plain.reshape(-1).view(torch.uint8).numpy()) if plain.numel() else memoryview(b"")
    return pack_bytes(bytes(raw)) if raw.nbytes <= INLINE_LIMIT else b"\xc1B" + hash_buffer(raw)


def _make_tensor(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1!t" + class_header(cls)

    def body(value: Any, walk: Walk) -> bytes:
        facts = (
            str(value.dtype),
            tuple(value.shape),
            str(value.layout),
            value.device.type,
            value.requires_grad,
        )
        return head + pack(facts) + _tensor_bytes(value, walk)

    def encode(value: Any, walk: Walk) -> bytes:
        walk.is_mutable = True
        return walk.inside(value, body)

    return encode


def _encode_by_text(value: Any, walk: Walk) -> bytes:
    return b"\xc1!n" + pack_str(type(value).__name__) + pack_str(str(value))


def _encode_generator(value: Any, walk: Walk) -> bytes:
    walk.is_mutable = True
    return b"\xc1!g" + pack_str(value.device.type) + _tensor_bytes(value.get_state(), walk)


def install(registry: CanonicalRegistry) -> None:
    """Register torch's types."""
    registry.add_maker(torch.Tensor, _make_tensor)
    registry.add_maker(torch.Generator, lambda cls, registry: _encode_generator)
    for kind in (torch.dtype, torch.device, torch.layout, torch.memory_format):
        registry.add_maker(kind, lambda cls, registry: _encode_by_text)
