// Attention of 32 query heads of a row to latent vectors in f16, on tensor cores. A tile of tokens is read once, for scores and for sums.
#pragma once

#include "flash.cuh"
#include "latent.cuh"

constexpr int LATENT_GROUPS = 2;  // of 16 heads
constexpr int LATENT_PARTS = 4;   // warps of a group: a part of the keys' columns for scores, of the values' for sums
constexpr int LATENT_WARPS = LATENT_GROUPS * LATENT_PARTS;
constexpr int MOST_TURNED = 64;

// A quarter of 16 queries as tensor cores take them; see Queries.
struct LatentQueries {
    static constexpr int STEPS = (MOST_RANK + MOST_TURNED) / 16 / LATENT_PARTS;

    unsigned large[STEPS][4];
    unsigned small[STEPS][4];
    float units[2];

    // first, second: the two parts of this lane's queries.
    __device__ void load(QueryRow (&first)[2], QueryRow (&second)[2], float scale, int part) {
        float up[2];
        for (int i = 0; i < 2; i++) {
            first[i].values += threadIdx.x % 4 * 2;
            second[i].values += threadIdx.x % 4 * 2;
            float most = 0;
#pragma unroll 1
            for (int at = 0; at < MOST_RANK + MOST_TURNED; at += 8) {
                float2 two = at < MOST_RANK ? first[i].two(at) : second[i].two(at - MOST_RANK);
                most = fmaxf(most, fmaxf(fabsf(two.x), fabsf(two.y)));
            }
            unsigned exponent = min(max(__float_as_uint(quad_max(most)) >> 23, 15u), 254u);
            up[i] = copysignf(__uint_as_float((268 - exponent) << 23), scale);
            units[i] = fmaxf(__uint_as_float((exponent - 14) << 23) * fabsf(scale) * LOG2E, 1e-37f);
        }
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int at = (part * STEPS + step) * 16 + i / 2 * 8;
                float2 two = at < MOST_RANK ? first[i % 2].two(at) : second[i % 2].two(at - MOST_RANK);
                split(HalfPairs(), two.x * up[i % 2], two.y * up[i % 2], large[step][i], small[step][i]);
            }
        }
    }
};

struct LatentFlash {
    static constexpr int TOKENS = 32;
    static constexpr int TILES = TOKENS / 8;
    static constexpr int THREADS = LATENT_WARPS * WARP;
    static constexpr int ROW = 2 * (MOST_RANK + MOST_TURNED);
    static constexpr int STRIDE = stride_of(ROW);
    static constexpr int COLUMNS = MOST_RANK / LATENT_PARTS;
    using Its = FlashWarp<Cache::f16, Cache::f16, 16, COLUMNS, TOKENS>;

    // Of a tile, as ValueTile has it.
    struct Part {
        static constexpr int STRIDE = LatentFlash::STRIDE;
        const unsigned char *memory;
    };

    // Scores of a part of the columns; rows apart so that a lane's two columns are in banks of their own.
    struct Scores {
        float of[LATENT_GROUPS][LATENT_PARTS][16][TOKENS + 8];
    };

    Latent a;
    CacheHead<Cache::f16> keys;
    CacheHead<Cache::f16> values;
    int lane;
    int part;
    int group;
    int row;
    LatentQueries queries;
    Its its;

    __device__ explicit LatentFlash(const Latent &a)
        : a(a),
          keys(a.keys, 0, a.turned_size, a.pages, a.stride),
          values(a.values, 0, a.rank, a.pages, a.stride),
          lane(threadIdx.x % WARP),
          part(threadIdx.x / WARP % LATENT_PARTS),
          group(threadIdx.x / WARP / LATENT_PARTS),
          row(gridDim.z - 1 - blockIdx.z) {}

    // The head of this lane's query.
    __device__ int head(int i) const {
        return blockIdx.y * LATENT_GROUPS * 16 + group * 16 + lane / 4 + 8 * i;
    }

    __device__ void load_queries() {
        QueryRow first[2];
        QueryRow second[2];
        for (int i = 0; i < 2; i++) {
            bool is = head(i) < a.heads;
            size_t place = static_cast<size_t>(row) * a.heads + (is ? head(i) : 0);
            first[i] = {a.q + place * a.rank, is ? a.rank : 0};
            second[i] = {a.turned + place * a.turned_size, is ? a.turned_size : 0};
        }
        queries.load(first, second, a.scale, part);
        its.queries.units[0] = queries.units[0];
        its.queries.units[1] = queries.units[1];
    }

    __device__ void find(int tile, int last, int *indices) const {
        if (threadIdx.x < TOKENS) {
            int token = min(tile * TOKENS + static_cast<int>(threadIdx.x), last);
            int page = a.page_table[static_cast<size_t>(a.slots[row]) * a.table_width + token / a.page_tokens];
            indices[threadIdx.x] = page * a.stride + token % a.page_tokens;
        }
    }

    // Begins to copy a tile: latent vectors, then the rest of keys, both filled up with zeros.
    __device__ void begin(unsigned char *tile, const int *indices) const {
        constexpr int PIECES = ROW / 16;
        constexpr int OF_RANK = 2 * MOST_RANK / 16;
        unsigned to = shared_address(tile);
#pragma unroll 3
        for (int i = 0; i < TOKENS * PIECES / THREADS; i++) {
            int place = threadIdx.x + i * THREADS;
            int token = place / PIECES;
            int piece = place % PIECES;
            bool of_rank = piece < OF_RANK;
            int byte = (of_rank ? piece : piece - OF_RANK) * 16;
            bool is = byte < (of_rank ? values : keys).bytes;
            begin_copy(to + token * STRIDE + piece * 16, (of_rank ? values : keys).row(indices[token]) + (is ? byte : 0), is ? 16 : 0);
        }
    }

    __device__ void attend() {
        extern __shared__ __align__(16) unsigned char memory[];
        constexpr int TILE_BYTES = TOKENS * STRIDE;
        Scores &scores = *reinterpret_cast<Scores *>(memory + 2 * TILE_BYTES);
        int(*indices)[TOKENS] = reinterpret_cast<int(*)[TOKENS]>(&scores + 1);
        load_queries();
        its.reset();
        int last = a.positions[row];
        its.seen.set({last, last}, 0);
        int count = last / TOKENS + 1;
        int per_split = (count + gridDim.x - 1) / gridDim.x;
        int tile = blockIdx.x * per_split;
        int end = min(count, tile + per_split);
        if (tile < end) {
            find(tile, last, indices[0]);
            find(tile + 1, last, indices[1]);
            __syncthreads();
            begin(memory, indices[0]);
        }
#pragma unroll 1
        for (int turn = 0; tile < end; tile++, turn ^= 1) {
            end_copies();
            __syncthreads();
            if (tile + 1 < end) {
                begin(memory + (turn ^ 1) * TILE_BYTES, indices[turn ^ 1]);
                find(tile + 2, last, indices[turn]);
            }
            const unsigned char *its_tile = memory + turn * TILE_BYTES;
            score(its_tile, scores);
            __syncthreads();
            float s[TILES][4];
            add_up(scores, s);
            its.soften(Attention(), tile * TOKENS, s);
            its.add_values(Part{its_tile + part * COLUMNS * 2}, s);
        }
        leave();
    }

    // This warp's part of the scores.
    __device__ void score(const unsigned char *tile, Scores &scores) const {
        float s[TILES][4] = {};
        unsigned at = matrices_by_rows(tile, STRIDE) + part * LatentQueries::STEPS * 32;
#pragma unroll
        for (int step = 0; step < LatentQueries::STEPS; step++) {
            unsigned key[TILES / 2][4];
            for (int i = 0; i < TILES / 2; i++) {
                load_matrices(at + i * 16 * STRIDE + step * 32, key[i]);
            }
            for (int i = 0; i < 2 * TILES; i++) {
                int of = i % TILES;
                multiply(HalfPairs(), s[of], i < TILES ? queries.large[step] : queries.small[step], key[of / 2][of % 2 * 2],
                        key[of / 2][of % 2 * 2 + 1]);
            }
        }
        for (int i = 0; i < 2 * TILES; i++) {
            float *to = &scores.of[group][part][lane / 4 + i % 2 * 8][i / 2 * 8 + lane % 4 * 2];
            *reinterpret_cast<float2 *>(to) = make_float2(s[i / 2][i % 2 * 2], s[i / 2][i % 2 * 2 + 1]);
        }
    }

    // The sums of all parts, always in the same order.
    __device__ void add_up(const Scores &scores, float (&s)[TILES][4]) const {
        for (int i = 0; i < 2 * TILES; i++) {
            float2 sum = make_float2(0, 0);
            for (int from = 0; from < LATENT_PARTS; from++) {
                const float *two = &scores.of[group][from][lane / 4 + i % 2 * 8][i / 2 * 8 + lane % 4 * 2];
                sum.x += two[0];
                sum.y += two[1];
            }
            s[i / 2][i % 2 * 2] = sum.x;
            s[i / 2][i % 2 * 2 + 1] = sum.y;
        }
    }

    // Writes this warp's columns.
    __device__ void leave() const {
        int splits = gridDim.x;
        for (int i = 0; i < 2; i++) {
            float total = quad_sum(its.totals[i]);
            if (head(i) >= a.heads) {
                continue;
            }
            size_t place = static_cast<size_t>(row) * a.heads + head(i);
            float *target = a.out + place * a.rank;
            float factor = 1 / total;
            if (splits > 1) {
                target = a.partials + (place * splits + blockIdx.x) * (a.rank + 2);
                factor = 1;
                if (part == 0 && lane % 4 == 0) {
                    target[a.rank] = (its.most[i] - Its::BIAS) / LOG2E;
                    target[a.rank + 1] = total;
                }
            }
#pragma unroll
            for (int tile = 0; tile < Its::COLUMN_TILES; tile++) {
                int column = part * COLUMNS + tile * 8 + lane % 4 * 2;
                if (column < a.rank) {
                    *reinterpret_cast<float2 *>(target + column) =
                            make_float2(its.sums[tile][2 * i] * factor, its.sums[tile][2 * i + 1] * factor);
                }
            }
        }
    }
};
