"""torch: tensors and parameters by content, storages, dtypes, devices, operators, generators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch  # type: ignore[import-not-found,unused-ignore]  # pyright: ignore[reportMissingImports]

from merkl_serializers.names import class_header
from merkl_serializers.objects import state_encoder
from merkl_serializers.walk import Encoder, Walk, mutable
from merkl_serializers.wire import INLINE_LIMIT, framed, hash_buffer, pack, pack_bytes, pack_str

if TYPE_CHECKING:
    from merkl_serializers.registry import CanonicalRegistry

__all__ = ["install"]

#: The parts of each layout whose values are not one block of memory.
_PARTS: dict[Any, tuple[str, ...]] = {
    torch.sparse_coo: ("indices", "values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}


def _tensor_bytes(value: Any) -> bytes:
    """Return dtype, shape and content of a tensor, whatever its strides are."""
    plain = value.detach()
    if plain.is_nested:
        parts = plain.unbind()
        return b"\xc1!u" + pack(len(parts)) + b"".join(map(_tensor_bytes, parts))
    head = pack((str(plain.dtype), tuple(plain.shape)))
    if plain.is_meta:
        return head + pack(None)
    if plain.is_quantized:
        return head + _scale_bytes(plain) + _tensor_bytes(plain.int_repr())
    if plain.layout is torch.sparse_coo:
        plain = plain.coalesce()
    names = _PARTS.get(plain.layout)
    if names is not None:
        return head + b"".join(_tensor_bytes(getattr(plain, name)()) for name in names)
    if plain.layout is not torch.strided:
        plain = plain.to_dense()
    # Contiguous is not enough: the stride of a single item may be anything, and then its bytes cannot be viewed.
    flat = plain.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    if flat.numel() and flat.stride() != (1,):
        flat = flat.clone(memory_format=torch.contiguous_format)
    return head + _block(flat)


def _block(flat: Any) -> bytes:
    raw = memoryview(flat.view(torch.uint8).numpy()) if flat.numel() else memoryview(b"")
    return pack_bytes(bytes(raw)) if raw.nbytes <= INLINE_LIMIT else b"\xc1B" + hash_buffer(raw)


def _scale_bytes(value: Any) -> bytes:
    """Return what the integers of a quantized tensor stand for."""
    if value.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        return pack((str(value.qscheme()), value.q_scale(), value.q_zero_point()))
    scales, zeros = value.q_per_channel_scales(), value.q_per_channel_zero_points()
    axis = pack((str(value.qscheme()), value.q_per_channel_axis()))
    return axis + _tensor_bytes(scales) + _tensor_bytes(zeros)


def _make_tensor(cls: type, registry: CanonicalRegistry) -> Encoder:
    head = b"\xc1!t" + class_header(cls)
    encode_state = state_encoder(cls)

    def body(value: Any, walk: Walk) -> bytes:
        facts = pack((str(value.layout), value.device.type, value.requires_grad))
        # Nested tensors keep their bookkeeping where others have the attributes that somebody set.
        state = b"" if value.is_nested else encode_state(value, walk)
        return b"".join([head, facts, _tensor_bytes(value), state])

    return mutable(body)


def _encode_storage(value: Any, walk: Walk) -> bytes:
    # What it would pickle to holds its address.
    walk.is_mutable = True
    dtype = str(getattr(value, "dtype", ""))
    untyped = value.untyped() if hasattr(value, "untyped") else value
    content = _block(torch.tensor([], dtype=torch.uint8, device=untyped.device).set_(untyped).cpu())
    return b"\xc1!s" + pack((type(value).__name__, dtype, untyped.device.type)) + framed(content)


def _encode_by_text(value: Any, walk: Walk) -> bytes:
    return b"\xc1!n" + pack_str(type(value).__name__) + pack_str(str(value))


def _encode_generator(value: Any, walk: Walk) -> bytes:
    walk.is_mutable = True
    return b"\xc1!g" + pack_str(value.device.type) + _tensor_bytes(value.get_state())


def install(registry: CanonicalRegistry) -> None:
    """Register torch's types."""
    registry.add_maker(torch.Tensor, _make_tensor)
    registry.add_maker(torch.Generator, lambda cls, registry: _encode_generator)
    for storage in (torch.UntypedStorage, torch.TypedStorage):
        registry.add_maker(storage, lambda cls, registry: _encode_storage)
    operators = (torch._ops.OpOverload, torch._ops.OpOverloadPacket)
    for kind in (torch.dtype, torch.device, torch.layout, torch.memory_format, torch.qscheme, *operators):
        registry.add_maker(kind, lambda cls, registry: _encode_by_text)
