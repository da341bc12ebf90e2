// Attention of a block of warps on tensor cores.
#pragma once

#include "flash.cuh"

// Rows of one sequence that follow each other, as in Run, found by all lanes of a warp.
struct FlashRun {
    int row;
    int end;
    int slot;
    int first;
    int greatest;

    __device__ FlashRun(const Attention &a, int row, int end_row) : row(row), end(row), slot(a.slots[row]), greatest(-1) {
        int lane = threadIdx.x % WARP;
        int least = INT_MAX;
        int count;
        do {
            int its = end + lane;
            unsigned others = __ballot_sync(ALL_LANES, its >= end_row || a.slots[its] != slot);
            count = others ? __ffs(others) - 1 : WARP;
            int position = lane < count ? a.positions[its] : -1;
            least = min(least, __reduce_min_sync(ALL_LANES, position < 0 ? INT_MAX : position));
            greatest = max(greatest, __reduce_max_sync(ALL_LANES, position));
            end += count;
        } while (count == WARP && end < end_row);
        first = a.window == 0 ? 0 : max(0, least - a.window + 1);
    }
};

// What a warp of several with the same queries found.
template <int SIZE> struct Found {
    float most[16];
    float totals[16];
    float sums[16][SIZE + 8];
};

// TOGETHER: warps have 16 queries each, and tiles of tokens in common. Else they have 16 queries in common, and take turns at tiles.
template <Cache KEYS_AS, Cache VALUES_AS, int KEY_LIMIT, int VALUE_LIMIT, int BLOCK_WARPS, int TOKENS, bool TOGETHER> struct FlashBlock {
    static constexpr int TEAM = TOGETHER ? BLOCK_WARPS * WARP : WARP;
    static constexpr int TEAMS = TOGETHER ? 1 : BLOCK_WARPS;
    using Queries = QueriesOf<KEYS_AS, KEY_LIMIT, TOGETHER>;
    using Keys = typename Queries::template Keys<TOKENS, TEAM>;
    using Values = ValueTile<VALUES_AS, VALUE_LIMIT, TOKENS, TEAM>;
    using Its = FlashWarp<KEYS_AS, VALUES_AS, KEY_LIMIT, VALUE_LIMIT, TOKENS, TOGETHER>;
    static constexpr int QUERY_BYTES = Queries::Type::BYTES;

    Attention a;
    int lane;
    int warp;
    int first_row;
    int end_row;
    int head;   // the first of its query heads
    int count;  // of these
    Its its;

    __device__ explicit FlashBlock(const Attention &a) : a(a), lane(threadIdx.x % WARP), warp(threadIdx.x / WARP) {
        // The last rows see most: they come first.
        first_row = (gridDim.z - 1 - blockIdx.z) * a.rows_of_group;
        end_row = min(first_row + a.rows_of_group, *a.live);
    }

    // Of a query of the block, its row.
    __device__ int row_of(int j) const {
        return first_row + j / count;
    }

    __device__ size_t place_of(int j) const {
        return static_cast<size_t>(row_of(j)) * a.heads + head + j % count;
    }

    // The queries of this lane.
    __device__ int query(int i) const {
        return (TOGETHER ? warp * 16 : 0) + lane / 4 + 8 * i;
    }

    // The row of this lane's query; the end if it is none.
    __device__ int row_of_query(int i) const {
        int j = query(i);
        return j < a.rows_of_group * count ? min(row_of(j), end_row) : end_row;
    }

    __device__ void attend() {
        if (first_row >= end_row) {
            return;
        }
        extern __shared__ __align__(16) unsigned char memory[];
        int chunks = (a.sharing + a.per_row - 1) / a.per_row;
        int kv_head = blockIdx.y / chunks;
        int chunk = blockIdx.y % chunks * a.per_row;
        head = kv_head * a.sharing + chunk;
        count = min(a.per_row, a.sharing - chunk);
        int(*indices)[TOKENS] = reinterpret_cast<int(*)[TOKENS]>(memory) + (TOGETHER ? 0 : 2 * warp);
        load_queries(memory + TEAMS * 2 * TOKENS * 4);
        unsigned char *tiles = memory + TEAMS * 2 * TOKENS * 4 + (TOGETHER ? BLOCK_WARPS : 1) * QUERY_BYTES;
        unsigned char *own = tiles + (TOGETHER ? 0 : warp) * (Keys::BYTES + Values::BYTES);
        Keys keys(own, a, kv_head);
        Values values(own + Keys::BYTES, a, kv_head);
#pragma unroll 1
        for (int row = first_row; row < end_row;) {
            FlashRun run(a, row, end_row);
            int positions[2];
            for (int i = 0; i < 2; i++) {
                int of = row_of_query(i);
                positions[i] = of >= run.row && of < run.end ? a.positions[of] : -1;
            }
            its.seen.set(positions, a.window);
            its.reset();
            attend(run, keys, values, indices);
            if constexpr (TOGETHER) {
                leave(run);
            } else {
                merge(run, reinterpret_cast<Found<VALUE_LIMIT> *>(tiles));
            }
            row = run.end;
        }
    }

    __device__ void load_queries(unsigned char *memory) {
        QueryRow q[2];
        for (int i = 0; i < 2; i++) {
            bool is = row_of_query(i) < end_row;
            q[i] = {a.q + (is ? place_of(query(i)) * a.key_size : 0), is ? a.key_size : 0};
        }
        its.queries.load(q, a.scale, memory + (TOGETHER ? warp : 0) * QUERY_BYTES, TOGETHER || warp == 0);
        if constexpr (QUERY_BYTES > 0) {
            __syncthreads();
        }
    }

    // Where the tokens of a tile stand in the cache; the last one in the place of those behind it.
    __device__ void find(const FlashRun &run, int tile, int *indices, int rank) const {
        if (rank < TOKENS) {
            int token = min(run.first + tile * TOKENS + rank, run.greatest);
            int page = a.page_table[static_cast<size_t>(run.slot) * a.table_width + token / a.page_tokens];
            indices[rank] = page * a.stride + token % a.page_tokens;
        }
    }

    // All tiles of this split. Values come while keys are multiplied, and the next keys while values are.
    __device__ void attend(const FlashRun &run, Keys &keys, Values &values, int (*indices)[TOKENS]) {
        Team<TEAM> team;
        constexpr int STEP = TOGETHER ? 1 : BLOCK_WARPS;
        int tiles = (run.greatest + 1 - run.first + TOKENS - 1) / TOKENS;
        int per_split = (tiles + gridDim.x - 1) / gridDim.x;
        int end = min(tiles, (static_cast<int>(blockIdx.x) + 1) * per_split);
        int tile = blockIdx.x * per_split + (TOGETHER ? 0 : warp);
        if (tile < end) {
            find(run, tile, indices[0], team.rank);
            team.sync();
            keys.begin(indices[0], team.rank);
        }
#pragma unroll 1
        for (int turn = 0; tile < end; tile += STEP, turn ^= 1) {
            int first = run.first + tile * TOKENS;
            bool more = tile + STEP < end;
            bool sees = its.seen.any(first, first + TOKENS, a.window);
            keys.end(team.rank);
            team.sync();
            values.begin(indices[turn], team.rank);
            if (more) {
                find(run, tile + STEP, indices[turn ^ 1], team.rank);
            }
            float s[Its::TILES][4] = {};
            if (sees) {
                its.queries.score(keys, s);
            }
            values.end(team);
            team.sync();
            if (more) {
                keys.begin(indices[turn ^ 1], team.rank);
            }
            if (sees) {
                its.soften(a, first, s);
                its.add_values(values, s);
            }
        }
        for (int i = 0; i < 2; i++) {
            its.totals[i] = quad_sum(its.totals[i]);
        }
    }

    // Where the sums of a query go, and what they are to be multiplied by. `writes`: this thread leaves what is relative to what.
    __device__ float *target_of(int j, float most, float total, bool writes, float &factor) const {
        size_t place = place_of(j);
        int splits = gridDim.x;
        factor = 1;
        if (splits > 1) {
            float *target = a.partials + (place * splits + blockIdx.x) * (a.value_size + 2);
            if (writes) {
                target[a.value_size] = (most - Its::BIAS) / LOG2E;
                target[a.value_size + 1] = total;
            }
            return target;
        }
        if (a.sinks) {
            float sink = a.sinks[head + j % count] * LOG2E;
            float with = fmaxf(most, sink);
            factor = Its::exp2_of(most - with);
            total = total * factor + Its::exp2_of(sink - with + Its::BIAS);
        }
        factor /= total;
        return a.out + place * a.value_size;
    }

    // Writes what this warp found.
    __device__ void leave(const FlashRun &run) const {
        for (int i = 0; i < 2; i++) {
            int of = row_of_query(i);
            if (of < run.row || of >= run.end) {
                continue;
            }
            float factor;
            float *target = target_of(query(i), its.most[i], its.totals[i], lane % 4 == 0, factor) + lane % 4 * 2;
#pragma unroll
            for (int tile = 0; tile < Its::COLUMN_TILES; tile++) {
                if (tile * 8 < a.value_size) {
                    *reinterpret_cast<float2 *>(target + tile * 8) =
                            make_float2(its.sums[tile][2 * i] * factor, its.sums[tile][2 * i + 1] * factor);
                }
            }
        }
    }

    // Writes what the warps found, as one.
    __device__ void merge(const FlashRun &run, Found<VALUE_LIMIT> *found) const {
        __syncthreads();
        for (int i = 0; i < 2; i++) {
            int j = lane / 4 + 8 * i;
            if (lane % 4 == 0) {
                found[warp].most[j] = its.most[i];
                found[warp].totals[j] = its.totals[i];
            }
#pragma unroll
            for (int tile = 0; tile < Its::COLUMN_TILES; tile++) {
                *reinterpret_cast<float2 *>(&found[warp].sums[j][tile * 8 + lane % 4 * 2]) =
                        make_float2(its.sums[tile][2 * i], its.sums[tile][2 * i + 1]);
            }
        }
        __syncthreads();
#pragma unroll 1
        for (int j = (run.row - first_row) * count + warp; j < (run.end - first_row) * count; j += BLOCK_WARPS) {
            merge(found, j);
        }
        __syncthreads();
    }

    __device__ void merge(const Found<VALUE_LIMIT> *found, int j) const {
        float most = LEAST;
        for (int part = 0; part < BLOCK_WARPS; part++) {
            most = fmaxf(most, found[part].most[j]);
        }
        float factors[BLOCK_WARPS];
        float total = 0;
        for (int part = 0; part < BLOCK_WARPS; part++) {
            factors[part] = Its::exp2_of(found[part].most[j] - most);
            total = fmaf(factors[part], found[part].totals[j], total);
        }
        float factor;
        float *target = target_of(j, most, total, lane == 0, factor);
#pragma unroll 1
        for (int column = lane; column < a.value_size; column += WARP) {
            float sum = 0;
            for (int part = 0; part < BLOCK_WARPS; part++) {
                sum = fmaf(factors[part], found[part].sums[j][column], sum);
            }
            target[column] = sum * factor;
        }
    }
};
