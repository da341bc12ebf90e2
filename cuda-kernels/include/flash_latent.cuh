// Attention of 32 query heads of a row to latent vectors on tensor cores. A tile of tokens is read once, for scores and for sums.
#pragma once

#include "flash_latent_tiles.cuh"

template <Cache TYPE> struct LatentFlash {
    using Tiles = LatentTiles<TYPE>;
    using Its = FlashWarp<TYPE, TYPE, BLOCK, LATENT_COLUMNS, LATENT_TILE, false>;

    // Scores of a part of the columns; rows apart so that a lane's two columns are in banks of their own.
    struct Scores {
        float of[LATENT_GROUPS][Tiles::COLUMN_PARTS][16][LATENT_TILE + 8];
    };

    Latent a;
    int lane;
    int part;
    int group;
    int row;
    Tiles tiles;
    Its its;

    __device__ LatentFlash(const Latent &a, unsigned char *memory)
        : a(a),
          lane(threadIdx.x % WARP),
          part(threadIdx.x / WARP % LATENT_PARTS),
          group(threadIdx.x / WARP / LATENT_PARTS),
          row(gridDim.z - 1 - blockIdx.z),
          tiles(a, memory, part) {}

    // The head of this lane's query.
    __device__ int head(int i) const {
        return blockIdx.y * LATENT_GROUPS * 16 + group * 16 + lane / 4 + 8 * i;
    }

    __device__ void load_queries() {
        LatentRow q[2];
        for (int i = 0; i < 2; i++) {
            bool is = head(i) < a.heads;
            size_t place = static_cast<size_t>(row) * a.heads + (is ? head(i) : 0);
            q[i] = {{a.q + place * a.rank, is ? a.rank : 0}, {a.turned + place * a.turned_size, is ? a.turned_size : 0}, 0};
        }
        tiles.load(q, a.scale);
        its.queries.units[0] = tiles.units[0];
        its.queries.units[1] = tiles.units[1];
    }

    __device__ void find(int tile, int last, int *indices) const {
        if (threadIdx.x < LATENT_TILE) {
            int token = min(tile * LATENT_TILE + static_cast<int>(threadIdx.x), last);
            int page = a.page_table[static_cast<size_t>(a.slots[row]) * a.table_width + token / a.page_tokens];
            indices[threadIdx.x] = page * a.stride + token % a.page_tokens;
        }
    }

    __device__ void attend(Scores &scores) {
        int(*indices)[LATENT_TILE] = reinterpret_cast<int(*)[LATENT_TILE]>(&scores + 1);
        load_queries();
        its.reset();
        int last = a.positions[row];
        its.seen.set({last, last}, 0);
        int count = last / LATENT_TILE + 1;
        int per_split = (count + gridDim.x - 1) / gridDim.x;
        int tile = blockIdx.x * per_split;
        int end = min(count, tile + per_split);
        if (tile < end) {
            find(tile, last, indices[0]);
            find(tile + 1, last, indices[1]);
            __syncthreads();
            tiles.begin(0, indices[0]);
        }
#pragma unroll 1
        for (int turn = 0; tile < end; tile++, turn ^= 1) {
            tiles.end(turn);
            __syncthreads();
            if (tile + 1 < end) {
                tiles.begin(turn ^ 1, indices[turn ^ 1]);
                find(tile + 2, last, indices[turn]);
            }
            score(turn, scores);
            __syncthreads();
            float s[Its::TILES][4];
            add_up(scores, s);
            its.soften(Attention(), tile * LATENT_TILE, s);
            its.add_values(tiles.values(turn), s);
        }
        leave();
    }

    // This warp's part of the scores.
    __device__ void score(int turn, Scores &scores) const {
        float s[Tiles::TILES][4] = {};
        tiles.score(turn, s);
        int token = part / Tiles::COLUMN_PARTS * Tiles::TILES * 8 + lane % 4 * 2;
        for (int i = 0; i < 2 * Tiles::TILES; i++) {
            float *to = &scores.of[group][part % Tiles::COLUMN_PARTS][lane / 4 + i % 2 * 8][token + i / 2 * 8];
            *reinterpret_cast<float2 *>(to) = make_float2(s[i / 2][i % 2 * 2], s[i / 2][i % 2 * 2 + 1]);
        }
    }

    // The sums of all parts, always in the same order.
    __device__ void add_up(const Scores &scores, float (&s)[Its::TILES][4]) const {
        for (int i = 0; i < 2 * Its::TILES; i++) {
            float2 sum = make_float2(0, 0);
            for (int from = 0; from < Tiles::COLUMN_PARTS; from++) {
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
                int column = part * LATENT_COLUMNS + tile * 8 + lane % 4 * 2;
                if (column < a.rank) {
                    *reinterpret_cast<float2 *>(target + column) =
                            make_float2(its.sums[tile][2 * i] * factor, its.sums[tile][2 * i + 1] * factor);
                }
            }
        }
    }
};
