/*
 * The shares of blocks in products of many rows of activations. What is to be multiplied are output tiles of ROWS rows of weights and so
 * many places, each panel by panel; each block has an equal share of all these panels, in order, so it may begin and end in the middle of
 * an output tile. What blocks found of such a tile they leave in memory; the one that comes last adds it up, in the order of the blocks.
 */
#pragma once
#include "parts.cuh"

constexpr int ROW_TILES = 4;
constexpr int ROWS = ROW_TILES * TILE_ROWS;

/* What is to be done by the whole launch: rows of activations that all multiply with one matrix, or places of experts. */
struct Work {
    const int* list; /* none, or (experts, capacity): the places of each expert */
    const int* counts; /* none, or (experts) */
    int capacity;
    int matrices;
    int sharing; /* places that share a row of activations */
    int live; /* places, where there are no lists */
    int row_blocks; /* blocks of ROWS rows of a matrix */
};

struct OutputTile {
    const int* list; /* none, or of its matrix */
    int begin;
    int end;
    int matrix;
    int row_block;

    __device__ int count() const {
        return end - begin;
    }
};

/* Groups of `tokens` places of matrix `at`. */
__device__ inline int groups_of(const Work& work, int at, int tokens) {
    return at < work.matrices ? (work.counts[at] + tokens - 1) / tokens : 0;
}

/* All output tiles. Whole warps call it. */
__device__ inline int output_tiles(const Work& work, int tokens) {
    if (!work.counts) {
        return (work.live + tokens - 1) / tokens * work.row_blocks;
    }
    int groups = 0;
#pragma unroll 1
    for (int at = threadIdx.x % 32; at < work.matrices; at += 32) {
        groups += groups_of(work, at, tokens);
    }
    return __reduce_add_sync(0xffffffff, groups) * work.row_blocks;
}

/* An output tile of a matrix that has so many groups. Those with the same weights follow each other. */
__device__ inline OutputTile tile_of_matrix(const Work& work, int matrix, int number, int groups, int count, int tokens) {
    int begin = number % groups * tokens;
    const int* list = work.list ? work.list + static_cast<size_t>(matrix) * work.capacity : nullptr;
    return {list, begin, min(begin + tokens, count), matrix, number / groups};
}

/* One of all output tiles. Whole warps call it. */
__device__ inline OutputTile output_tile(const Work& work, int number, int tokens) {
    if (!work.counts) {
        return tile_of_matrix(work, 0, number, (work.live + tokens - 1) / tokens, work.live, tokens);
    }
    int lane = threadIdx.x % 32;
    int before = 0;
    int first = 0;
    /* The sums of groups up to each of 32 matrices. */
    int sums = 0;
#pragma unroll 1
    for (; first < work.matrices; first += 32) {
        sums = groups_of(work, first + lane, tokens);
#pragma unroll 1
        for (int step = 1; step < 32; step *= 2) {
            int more = __shfl_up_sync(0xffffffff, sums, step);
            sums += lane >= step ? more : 0;
        }
        int all = __shfl_sync(0xffffffff, sums, 31);
        if (number < (before + all) * work.row_blocks) {
            break;
        }
        before += all;
    }
    unsigned beyond = __ballot_sync(0xffffffff, number < (before + sums) * work.row_blocks);
    int at = __ffs(beyond) - 1;
    int matrix = first + at;
    int groups = groups_of(work, matrix, tokens);
    int earlier = before + __shfl_sync(0xffffffff, sums, at) - groups;
    return tile_of_matrix(work, matrix, number - earlier * work.row_blocks, groups, work.counts[matrix], tokens);
}

/* How panels are dealt out: units begin(i) ... begin(i + 1) - 1 to block i. */
struct Shares {
    int count;
    int least; /* units of a share */
    int larger; /* so many shares have one more */

    /* Shares for at most so many blocks: none is empty. */
    __device__ static Shares of(int units, int blocks) {
        int count = max(1, min(units, blocks));
        return {units == 0 ? 0 : count, units / count, units % count};
    }

    __device__ int begin(int block) const {
        return block * least + min(block, larger);
    }

    /* Whose share a unit is in. */
    __device__ int block_of(int unit) const {
        int of_larger = larger * (least + 1);
        return unit < of_larger ? unit / (least + 1) : larger + (unit - of_larger) / least;
    }
};

/* Memory for the parts of output tiles. */
struct Leftovers {
    float4* sums; /* (blocks, 2, floats of an output tile): of the tile that a block begins with, of the one that it ends with */
    int* arrived; /* (blocks): how many have left what they found of the tile that a block was the first to work on; zeros between launches */
};

/* What a block works on: panels first ... last - 1 of an output tile. */
struct Segment {
    OutputTile output;
    Shares shares;
    int panels; /* of an output tile */
    int unit; /* the number of panel `first` of all */
    int first;
    int last;

    __device__ bool is_whole() const {
        return last - first == panels;
    }
};
