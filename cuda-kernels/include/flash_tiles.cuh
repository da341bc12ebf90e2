// Tiles of tokens of a paged cache in shared memory, where tensor cores can take them.
#pragma once

#include "attention.cuh"
#include "tensor_cores.cuh"

// The threads that share a tile: those of a block, or of a warp.
template <int THREADS> struct Team {
    int rank;

    __device__ Team() : rank(threadIdx.x % THREADS) {}

    __device__ void sync() const {
        if constexpr (THREADS == WARP) {
            __syncwarp();
        } else {
            __syncthreads();
        }
    }
};

// Bytes of SIZE values, as in the cache.
template <Cache TYPE, int SIZE> constexpr int BYTES_OF = TYPE == Cache::f16 ? 2 * SIZE : TYPE == Cache::q8_0 ? SIZE : SIZE / 2;

// How far rows are apart in shared memory: an odd multiple of 16 bytes, so that eight rows are read at once.
constexpr int stride_of(int bytes) {
    return bytes / 16 % 2 == 1 ? bytes : bytes + 16;
}

// The scales of the blocks of a tile: (blocks, TOKENS) floats in shared memory, of blocks beyond the size zero. They are fetched to
// registers, and stored when they are there.
template <int SIZE, int TOKENS, int THREADS> struct TileScales {
    static constexpr int COUNT = SIZE / BLOCK * TOKENS;
    static constexpr int EACH = (COUNT + THREADS - 1) / THREADS;

    unsigned short fetched[EACH];

    template <Cache TYPE> __device__ void fetch(const CacheHead<TYPE> &head, const int *indices, int rank) {
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int place = rank + i * THREADS;
            int block = place / TOKENS;
            fetched[i] = place < COUNT && block < head.blocks ? head.scales_of(indices[place % TOKENS])[block] : 0;
        }
    }

    __device__ void store(float *scales, int rank) const {
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int place = rank + i * THREADS;
            if (place < COUNT) {
                scales[place] = scale_of(fetched[i]);
            }
        }
    }
};

// Begins to copy rows of a cache, in pieces of 16 bytes.
template <int ROW, int STRIDE, int TOKENS, int THREADS, Cache TYPE>
__device__ inline void copy_rows(unsigned to, const CacheHead<TYPE> &head, const int *indices, int rank) {
    constexpr int PIECES = ROW / 16;
#pragma unroll 4
    for (int i = 0; i < (TOKENS * PIECES + THREADS - 1) / THREADS; i++) {
        int place = rank + i * THREADS;
        int token = place / PIECES;
        int byte = place % PIECES * 16;
        if (TOKENS * PIECES % THREADS == 0 || token < TOKENS) {
            bool is = byte < head.bytes;
            begin_copy(to + token * STRIDE + byte, head.row(indices[token]) + (is ? byte : 0), is ? 16 : 0);
        }
    }
}

// What tiles of keys and of values have in common: (TOKENS, STRIDE) bytes, then the scales of quantized ones.
template <Cache TYPE, int SIZE, int ROW_STRIDE, int TILE_TOKENS, int THREADS> struct TokenTile {
    static constexpr int TOKENS = TILE_TOKENS;
    static constexpr int STRIDE = ROW_STRIDE;
    static constexpr int BYTES = TOKENS * STRIDE + (quantizes(TYPE) ? TOKENS * SIZE / BLOCK * 4 : 0);

    unsigned char *memory;
    CacheHead<TYPE> head;
    TileScales<SIZE, TOKENS, THREADS> scales;

    __device__ float *scales_at() const {
        return reinterpret_cast<float *>(memory + TOKENS * STRIDE);
    }

    // Begins to copy rows of the cache to a place in those of the tile.
    template <int ROW> __device__ void begin(int place, const int *indices, int rank) {
        copy_rows<ROW, STRIDE, TOKENS, THREADS>(shared_address(memory) + place, head, indices, rank);
        if constexpr (quantizes(TYPE)) {
            scales.fetch(head, indices, rank);
        }
    }

    __device__ void store_scales(int rank) const {
        if constexpr (quantizes(TYPE)) {
            scales.store(scales_at(), rank);
        }
    }
};

// Bytes of a key's row in shared memory, filled up to what tensor cores take at once.
template <Cache TYPE, int SIZE> constexpr int KEY_BYTES = (BYTES_OF<TYPE, SIZE> + 31) / 32 * 32;

// The keys of a tile as they are in the cache, zero beyond their size.
template <Cache TYPE, int SIZE, int TOKENS, int THREADS>
struct KeyTile : TokenTile<TYPE, SIZE, stride_of(KEY_BYTES<TYPE, SIZE>), TOKENS, THREADS> {
    using Base = TokenTile<TYPE, SIZE, stride_of(KEY_BYTES<TYPE, SIZE>), TOKENS, THREADS>;

    __device__ KeyTile(unsigned char *memory, const Attention &a, int kv_head)
        : Base{memory, {a.keys, kv_head, a.key_size, a.pages, a.stride}} {}

    __device__ void begin(const int *indices, int rank) {
        Base::template begin<KEY_BYTES<TYPE, SIZE>>(0, indices, rank);
    }

    __device__ void end(int rank) const {
        end_copies();
        this->store_scales(rank);
    }
};

// Two signed bytes of a word, those in its bytes 0 and 2, as bfloat16. Seven bits are the low ones of a number from 128 to 255.
__device__ inline unsigned bfloats_of_bytes(unsigned word) {
    unsigned value = (word & 0x007f007f) | 0x43004300;
    unsigned offset = (word & 0x00800080) | 0x43004300;
    unsigned out;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(out) : "r"(offset), "r"(0xbf80bf80), "r"(value));
    return out;
}

// Two half bytes, the low ones of bytes 0 and 2, less 8.
__device__ inline unsigned bfloats_of_nibbles(unsigned word) {
    unsigned value = (word & 0x000f000f) | 0x43004300;
    unsigned out;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(out) : "r"(value), "r"(0x3f803f80), "r"(0xc308c308));
    return out;
}

// 16 bytes of a row of integers, unpacked to bfloat16.
template <Cache TYPE> __device__ inline void unpack(uint4 words, unsigned char *to) {
    uint4 *target = reinterpret_cast<uint4 *>(to);
    const unsigned(&word)[4] = reinterpret_cast<const unsigned(&)[4]>(words);
    if constexpr (TYPE == Cache::q8_0) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            target[i] = make_uint4(bfloats_of_bytes(__byte_perm(word[2 * i], 0, 0x4140)),
                    bfloats_of_bytes(__byte_perm(word[2 * i], 0, 0x4342)),
                    bfloats_of_bytes(__byte_perm(word[2 * i + 1], 0, 0x4140)),
                    bfloats_of_bytes(__byte_perm(word[2 * i + 1], 0, 0x4342)));
        }
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            // The first 16 values of a block are in the low halves.
            unsigned low = __byte_perm(word[2 * i % 4], 0, 0x4140) >> (i < 2 ? 0 : 4);
            unsigned high = __byte_perm(word[2 * i % 4], 0, 0x4342) >> (i < 2 ? 0 : 4);
            unsigned next_low = __byte_perm(word[2 * i % 4 + 1], 0, 0x4140) >> (i < 2 ? 0 : 4);
            unsigned next_high = __byte_perm(word[2 * i % 4 + 1], 0, 0x4342) >> (i < 2 ? 0 : 4);
            target[i] = make_uint4(bfloats_of_nibbles(low), bfloats_of_nibbles(high), bfloats_of_nibbles(next_low),
                    bfloats_of_nibbles(next_high));
        }
    }
}

// The values of a tile, in numbers of 16 bits, zero beyond their size. Integers come to the end of a row, and are unpacked to bfloat16 when
// they are there.
template <Cache TYPE, int SIZE, int TOKENS, int THREADS>
struct ValueTile : TokenTile<TYPE, SIZE, stride_of(2 * SIZE), TOKENS, THREADS> {
    using Base = TokenTile<TYPE, SIZE, stride_of(2 * SIZE), TOKENS, THREADS>;
    static constexpr int ROW = BYTES_OF<TYPE, SIZE>;
    static constexpr int PIECES = ROW / 16;

    __device__ ValueTile(unsigned char *memory, const Attention &a, int kv_head)
        : Base{memory, {a.values, kv_head, a.value_size, a.pages, a.stride}} {}

    __device__ void begin(const int *indices, int rank) {
        Base::template begin<ROW>(2 * SIZE - ROW, indices, rank);
    }

    __device__ void end(const Team<THREADS> &team) const {
        end_copies();
        if constexpr (quantizes(TYPE)) {
#pragma unroll 1
            for (int place = team.rank; place - team.rank < TOKENS * PIECES; place += THREADS) {
                // A thread reads what it copied, but what it writes lies where others have not read yet.
                unsigned char *row = this->memory + place / PIECES * Base::STRIDE;
                int piece = place % PIECES;
                bool is = TOKENS * PIECES % THREADS == 0 || place < TOKENS * PIECES;
                uint4 words = is ? *reinterpret_cast<const uint4 *>(row + 2 * SIZE - ROW + piece * 16) : make_uint4(0, 0, 0, 0);
                team.sync();
                if (is) {
                    unpack<TYPE>(words, row + piece * (2 * SIZE / PIECES));
                }
            }
        }
        this->store_scales(team.rank);
    }
};
