// Tiles of latent vectors in shared memory, and the scores of their tokens, on tensor cores: those of a cache of f16, and of quantized ones.
//
// A row of a tile is a latent vector, then the rest of a key, as they are in the cache, both filled up with zeros. The four warps of a group
// have the same 16 queries. A part of the warps shares the tokens of a tile, others the columns of keys: their scores are added up. Two
// tiles are there, by turns.
#pragma once

#include "flash.cuh"
#include "latent.cuh"

constexpr int LATENT_GROUPS = 2;  // of 16 heads
constexpr int LATENT_PARTS = 4;   // warps of a group
constexpr int LATENT_WARPS = LATENT_GROUPS * LATENT_PARTS;
constexpr int LATENT_FLASH_THREADS = LATENT_WARPS * WARP;
constexpr int LATENT_TILE = 32;  // tokens
constexpr int MOST_TURNED = 64;
constexpr int MOST_KEY = MOST_RANK + MOST_TURNED;
constexpr int LATENT_COLUMNS = MOST_RANK / LATENT_PARTS;  // of the sums of a warp

// A query of both parts of keys, from the column `from` on.
struct LatentRow {
    QueryRow latent;
    QueryRow turned;
    int from;

    __device__ void move(int by) {
        latent.move(by);
        turned.move(by);
    }

    __device__ float2 two(int at) const {
        at += from;
        return at < MOST_RANK ? latent.two(at) : turned.two(at - MOST_RANK);
    }

    __device__ float4 four(int at) const {
        at += from;
        return at < MOST_RANK ? latent.four(at) : turned.four(at - MOST_RANK);
    }
};

// The parts of the values that a warp adds up, as ValueTile has them.
template <int ROW_STRIDE> struct LatentPart {
    static constexpr int STRIDE = ROW_STRIDE;
    const unsigned char *memory;
    const float *scales;

    __device__ const float *scales_at() const {
        return scales;
    }
};

// Rows as they are in the cache.
template <Cache TYPE> struct LatentRows {
    static constexpr int RANK_BYTES = BYTES_OF<TYPE, MOST_RANK>;
    static constexpr int ROW = RANK_BYTES + BYTES_OF<TYPE, MOST_TURNED>;
    static constexpr int STRIDE = stride_of(ROW);
    static constexpr int TILE_BYTES = LATENT_TILE * STRIDE;

    CacheHead<TYPE> keys;
    CacheHead<TYPE> values;
    unsigned char *memory;

    __device__ LatentRows(const Latent &a, unsigned char *memory)
        : keys(a.keys, 0, a.turned_size, a.pages, a.stride), values(a.values, 0, a.rank, a.pages, a.stride), memory(memory) {}

    __device__ unsigned char *tile(int turn) const {
        return memory + turn * TILE_BYTES;
    }

    // Quantized rows are read a piece beyond their end.
    __device__ void begin(int turn, const int *indices) const {
        constexpr int PIECES = (quantizes(TYPE) ? STRIDE : ROW) / 16;
        constexpr int OF_RANK = RANK_BYTES / 16;
        constexpr int COUNT = LATENT_TILE * PIECES;
        unsigned to = shared_address(tile(turn));
#pragma unroll 3
        for (int i = 0; i < (COUNT + LATENT_FLASH_THREADS - 1) / LATENT_FLASH_THREADS; i++) {
            int place = threadIdx.x + i * LATENT_FLASH_THREADS;
            int token = place / PIECES;
            int piece = place % PIECES;
            if (COUNT % LATENT_FLASH_THREADS == 0 || token < LATENT_TILE) {
                bool of_rank = piece < OF_RANK;
                int byte = (of_rank ? piece : piece - OF_RANK) * 16;
                bool is = byte < (of_rank ? values : keys).bytes;
                begin_copy(
                        to + token * STRIDE + piece * 16, (of_rank ? values : keys).row(indices[token]) + (is ? byte : 0), is ? 16 : 0);
            }
        }
    }
};

template <Cache TYPE> struct LatentTiles;

// Of f16: each warp of a group has a quarter of the columns of the queries, as Queries has them.
template <> struct LatentTiles<Cache::f16> {
    using Rows = LatentRows<Cache::f16>;
    using Part = LatentPart<Rows::STRIDE>;
    static constexpr int COLUMN_PARTS = 4;
    static constexpr int TILES = LATENT_TILE / 8;
    static constexpr int STEPS = MOST_KEY / 16 / COLUMN_PARTS;
    static constexpr int BYTES = 2 * Rows::TILE_BYTES;

    Rows rows;
    int part;
    unsigned large[STEPS][4];
    unsigned small[STEPS][4];
    float units[2];

    __device__ LatentTiles(const Latent &a, unsigned char *memory, int part) : rows(a, memory), part(part) {}

    __device__ void load(LatentRow (&q)[2], float scale) {
        float up[2];
        for (int i = 0; i < 2; i++) {
            q[i].move(threadIdx.x % 4 * 2);
            up[i] = factor_of_halves(q[i], MOST_KEY, scale, units[i]);
        }
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                float2 two = q[i % 2].two((part * STEPS + step) * 16 + i / 2 * 8);
                split(HalfPairs(), two.x * up[i % 2], two.y * up[i % 2], large[step][i], small[step][i]);
            }
        }
    }

    __device__ void begin(int turn, const int *indices) const {
        rows.begin(turn, indices);
    }

    __device__ void end(int) const {
        end_copies();
    }

    __device__ void score(int turn, float (&s)[TILES][4]) const {
        unsigned at = matrices_by_rows(rows.tile(turn), Rows::STRIDE) + part * STEPS * 32;
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            unsigned key[TILES / 2][4];
            for (int i = 0; i < TILES / 2; i++) {
                load_matrices(at + i * 16 * Rows::STRIDE + step * 32, key[i]);
            }
            for (int i = 0; i < 2 * TILES; i++) {
                int of = i % TILES;
                multiply(HalfPairs(), s[of], i < TILES ? large[step] : small[step], key[of / 2][of % 2 * 2], key[of / 2][of % 2 * 2 + 1]);
            }
        }
    }

    __device__ Part values(int turn) const {
        return {rows.tile(turn) + part * LATENT_COLUMNS * 2, nullptr};
    }
};

// Of quantized types: two warps of a group share the columns, for each half of the tokens. Latent vectors are unpacked to integers in
// bfloat16 for the sums.
template <Cache TYPE> struct LatentTiles {
    using Rows = LatentRows<TYPE>;
    static constexpr int COLUMN_PARTS = 2;
    static constexpr int TILES = LATENT_TILE / 16;
    static constexpr int COLUMNS = MOST_KEY / COLUMN_PARTS;
    static constexpr int RANK_BLOCKS = MOST_RANK / BLOCK;
    static constexpr int TURNED_BLOCKS = MOST_TURNED / BLOCK;
    static constexpr int SCALES = (RANK_BLOCKS + TURNED_BLOCKS) * LATENT_TILE;
    static constexpr int VALUE_STRIDE = stride_of(2 * MOST_RANK);
    static constexpr int BYTES = 2 * Rows::TILE_BYTES + LATENT_TILE * VALUE_STRIDE + 2 * SCALES * 4;
    using Part = LatentPart<VALUE_STRIDE>;

    // A half of the columns and of the tokens, as KeyTile has them.
    struct Keys : LatentPart<Rows::STRIDE> {
        static constexpr int TOKENS = LATENT_TILE;
    };

    Rows rows;
    int part;
    QuantizedQueries<TYPE, COLUMNS, true> queries;
    float units[2];
    TileScales<MOST_RANK, LATENT_TILE, LATENT_FLASH_THREADS> of_rank;
    TileScales<MOST_TURNED, LATENT_TILE, LATENT_FLASH_THREADS> of_turned;

    __device__ LatentTiles(const Latent &a, unsigned char *memory, int part)
        : rows(a, memory), part(part), units{LOG2E, LOG2E} {}

    __device__ unsigned char *unpacked() const {
        return rows.tile(2);
    }

    __device__ float *scales(int turn) const {
        return reinterpret_cast<float *>(unpacked() + LATENT_TILE * VALUE_STRIDE) + turn * SCALES;
    }

    __device__ void load(LatentRow (&q)[2], float scale) {
        for (int i = 0; i < 2; i++) {
            q[i].from = part % COLUMN_PARTS * COLUMNS;
        }
        queries.load(q, scale, nullptr, false);
    }

    __device__ void begin(int turn, const int *indices) {
        rows.begin(turn, indices);
        of_rank.fetch(rows.values, indices, threadIdx.x);
        of_turned.fetch(rows.keys, indices, threadIdx.x);
    }

    __device__ void end(int turn) const {
        end_copies();
        of_rank.store(scales(turn), threadIdx.x);
        of_turned.store(scales(turn) + RANK_BLOCKS * LATENT_TILE, threadIdx.x);
    }

    __device__ void score(int turn, float (&s)[TILES][4]) const {
        unpack_values(turn);
        int column = part % COLUMN_PARTS * COLUMNS;
        int token = part / COLUMN_PARTS * TILES * 8;
        Keys keys;
        keys.memory = rows.tile(turn) + token * Rows::STRIDE + BYTES_OF<TYPE, COLUMNS> * (part % COLUMN_PARTS);
        keys.scales = scales(turn) + column / BLOCK * LATENT_TILE + token;
        queries.score(keys, s);
    }

    __device__ void unpack_values(int turn) const {
        constexpr int PIECES = Rows::RANK_BYTES / 16;
        const unsigned char *from = rows.tile(turn);
#pragma unroll 2
        for (int i = 0; i < LATENT_TILE * PIECES / LATENT_FLASH_THREADS; i++) {
            int place = threadIdx.x + i * LATENT_FLASH_THREADS;
            int token = place / PIECES;
            int piece = place % PIECES;
            unpack<TYPE>(*reinterpret_cast<const uint4 *>(from + token * Rows::STRIDE + piece * 16),
                    unpacked() + token * VALUE_STRIDE + piece * (2 * MOST_RANK / PIECES));
        }
    }

    __device__ Part values(int turn) const {
        return {unpacked() + part * LATENT_COLUMNS * 2, scales(turn) + part * (LATENT_COLUMNS / BLOCK) * LATENT_TILE};
    }
};
