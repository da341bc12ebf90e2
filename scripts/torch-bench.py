#!/usr/bin/env python3
"""Measures PyTorch on this machine's GPU: copies, cuBLAS products, int4 weights, flash attention.

Writes an array of rows {what, microseconds, rate, unit} as JSON; ends with 4 where there is no PyTorch or no GPU for it.
--quick takes tiny sizes, and the processor where there is no GPU: whether this script works.
"""
import json
import statistics
import sys
import time

UNAVAILABLE = 4
REPETITIONS = 7
# Each measurement goes on for about so long.
SECONDS = 0.05
MATRICES = [(4096, 4096), (4096, 14336), (14336, 4096), (8192, 8192), (8192, 28672), (28672, 8192)]


def unavailable(reason):
    print(reason, file=sys.stderr)
    sys.exit(UNAVAILABLE)


try:
    import torch
    import torch.nn.functional as functional
except ImportError as missing:
    unavailable(f"python3 has no torch: {missing}")

quick = "--quick" in sys.argv[1:]
if not torch.cuda.is_available() and not quick:
    unavailable("torch sees no GPU")
device = "cuda" if torch.cuda.is_available() else "cpu"
rows = []


def seconds_of(work, times):
    """How long so many calls take on the device, one after another."""
    if device == "cpu":
        start = time.perf_counter()
        for _ in range(times):
            work()
        return time.perf_counter() - start
    begin = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(times):
        work()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3


def measure(what, work, amount, unit):
    """Adds a row: amount is the bytes or the operations of a call, unit GB/s or GFLOP/s. A failure is a line and no row."""
    try:
        seconds_of(work, 3)
        times = 1 if quick else max(1, int(SECONDS / max(1e-6, seconds_of(work, 3) / 3)))
        seconds = statistics.median(seconds_of(work, times) for _ in range(REPETITIONS)) / times
        rows.append({"what": what, "microseconds": seconds * 1e6, "rate": amount / seconds / 1e9, "unit": unit})
    except (RuntimeError, AttributeError, NotImplementedError) as failure:
        print(f"{what}: {failure}".splitlines()[0], file=sys.stderr)


def turns(things):
    """A function that gives the things in turn, so that caches do not hold the next one."""
    at = [0]

    def following():
        at[0] = (at[0] + 1) % len(things)
        return things[at[0]]

    return following


def copies_that_fill(bytes_of_one):
    """How many weights of a size are more than caches hold."""
    return 1 if quick else max(2, (1 << 29) // bytes_of_one)


def copy_bandwidth():
    size = 1 << (20 if quick else 31)
    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    measure("copy, bytes read and written", lambda: target.copy_(source), 2 * size, "GB/s")


def products():
    for m, n, k in [(64, 64, 64)] if quick else [(8192, 8192, 8192), *((512, n, k) for k, n in MATRICES)]:
        a = torch.randn(m, k, dtype=torch.bfloat16, device=device)
        b = torch.randn(n, k, dtype=torch.bfloat16, device=device)
        measure(f"bf16 product, {m} rows, {k} -> {n}", lambda: functional.linear(a, b), 2 * m * n * k, "GFLOP/s")


def int4_weight(n, k, group):
    """A matrix of int4 with a scale and an offset for each group of columns, as torch's kernel takes it."""
    scales = torch.rand(k // group, n, 2, dtype=torch.bfloat16, device=device)
    if device == "cpu":
        whole = torch.randint(0, 16, (n, k), dtype=torch.int32)
        return torch.ops.aten._convert_weight_to_int4pack_for_cpu(whole, 2), scales
    pairs = torch.randint(0, 256, (n, k // 2), dtype=torch.uint8, device=device)
    return torch.ops.aten._convert_weight_to_int4pack(pairs, 8), scales


def int4_products():
    group = 32
    product = torch.ops.aten._weight_int4pack_mm if device == "cuda" else torch.ops.aten._weight_int4pack_mm_for_cpu
    for k, n in [(128, 64)] if quick else MATRICES:
        weight_bytes = n * k // 2 + n * k // group * 4
        for m in [1, 512]:
            x = torch.randn(m, k, dtype=torch.bfloat16, device=device)
            try:
                following = turns([int4_weight(n, k, group) for _ in range(copies_that_fill(weight_bytes))])
            except (RuntimeError, AttributeError, NotImplementedError) as failure:
                print(f"int4 weights: {failure}".splitlines()[0], file=sys.stderr)
                return

            def work():
                weight, scales = following()
                return product(x, weight, group, scales)

            what = f"int4 product, {m} rows, {k} -> {n}"
            if m == 1:
                measure(what, work, weight_bytes + 2 * m * (n + k), "GB/s")
            else:
                measure(what, work, 2 * m * n * k, "GFLOP/s")


def attention():
    heads, kv_heads, size = (4, 2, 64) if quick else (32, 8, 128)
    for tokens in [64] if quick else [4096, 16384]:
        q, k, v = (torch.randn(1, heads, tokens, size, dtype=torch.float16, device=device) for _ in range(3))
        operations = 2 * 2 * heads * size * tokens * (tokens + 1) // 2
        what = f"attention f16, {heads} heads of {size}, causal, {tokens} tokens"
        measure(what, lambda: functional.scaled_dot_product_attention(q, k, v, is_causal=True), operations, "GFLOP/s")
    tokens = 64 if quick else 32768
    q = torch.randn(1, heads, 1, size, dtype=torch.float16, device=device)
    count = 1 if quick else 4
    shape = (1, kv_heads, tokens, size)
    following = turns(
        [tuple(torch.randn(shape, dtype=torch.float16, device=device) for _ in range(2)) for _ in range(count)]
    )

    def work():
        k, v = following()
        return functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)

    what = f"attention f16, {heads} heads of {size} over {kv_heads}, 1 row after {tokens} tokens"
    measure(what, work, 2 * 2 * kv_heads * tokens * size, "GB/s")


with torch.inference_mode():
    for part in (copy_bandwidth, products, int4_products, attention):
        part()
print(json.dumps(rows))
name = torch.cuda.get_device_name() if device == "cuda" else "the processor"
print(f"torch {torch.__version__} on {name}: {len(rows)} measurements", file=sys.stderr)
