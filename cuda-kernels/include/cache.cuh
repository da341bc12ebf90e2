// The KV cache of a layer: keys and values apart, each head by head. A head's part is the rows of all its pages, a token's values in
// each, then, of quantized types, the scales of all rows, bfloat16, one for each block of 32 values. A row of F32 or F16 is rounded up
// to eight values, those beyond the size zero; a row of Q4_0 has values i and 16 + i of a block in one byte, both plus 8.
#pragma once

enum class Cache { f32, f16, q8_0, q4_0 };

constexpr int BLOCK = 32;

__host__ __device__ constexpr bool quantizes(Cache type) {
    return type == Cache::q8_0 || type == Cache::q4_0;
}

// Values in a row: those of the size, rounded up.
template <Cache TYPE> __device__ inline int padded(int size) {
    return quantizes(TYPE) ? size : (size + 7) / 8 * 8;
}

template <Cache TYPE> __device__ inline int row_bytes(int size) {
    switch (TYPE) {
        case Cache::f32: return padded<TYPE>(size) * 4;
        case Cache::f16: return padded<TYPE>(size) * 2;
        case Cache::q8_0: return size;
        default: return size / 2;
    }
}

// One head's part of a cache.
template <Cache TYPE> struct CacheHead {
    unsigned char *rows;     // (pages * stride, row_bytes)
    unsigned short *scales;  // (pages * stride, size / 32), of quantized types
    int bytes;               // of a row
    int blocks;              // of a row

    __device__ CacheHead(unsigned char *cache, int head, int size, int pages, int stride)
        : bytes(row_bytes<TYPE>(size)), blocks(quantizes(TYPE) ? size / BLOCK : 0) {
        size_t count = static_cast<size_t>(pages) * stride;
        size_t scale_bytes = (count * blocks * 2 + 15) / 16 * 16;
        rows = cache + head * (count * bytes + scale_bytes);
        scales = reinterpret_cast<unsigned short *>(rows + count * bytes);
    }

    __device__ unsigned char *row(int index) const {
        return rows + static_cast<size_t>(index) * bytes;
    }

    __device__ unsigned short *scales_of(int index) const {
        return scales + static_cast<size_t>(index) * blocks;
    }
};

__device__ inline float scale_of(unsigned short bfloat16) {
    return __uint_as_float(static_cast<unsigned>(bfloat16) << 16);
}
