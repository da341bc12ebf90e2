// Whole keys and values made of latent vectors, a tile of tokens at a time.

#include "cache_reads.cuh"

constexpr int THREADS = 128;
constexpr float LEAST_SCORE = -1e30f;

// Reads a row of a cache as floats, two values at a time: rows are of an even number of values.
template <Cache TYPE> __device__ void read_row(const CacheHead<TYPE> &cache, int index, int size, float *out) {
#pragma unroll 1
    for (int i = 2 * threadIdx.x; i < size; i += 2 * THREADS) {
        float two[2];
        read_columns<TYPE, 2>(cache.row(index), cache.scales_of(index), i, two);
        out[i] = two[0];
        if (i + 1 < size) {
            out[i + 1] = two[1];
        }
    }
}

template <Cache TYPE>
__device__ void read_latent(const int *live, const int *from, const int *page_table, int table_width, unsigned char *keys,
        unsigned char *values, int pages, int page_tokens, int stride, int turned_size, int rank, float *turned, float *latent) {
    int row = blockIdx.x;
    if (row >= *live) {
        return;
    }
    int position = from[1] + row;
    int page = page_table[static_cast<size_t>(from[0]) * table_width + position / page_tokens];
    int index = page * stride + position % page_tokens;
    size_t place = row;
    read_row(CacheHead<TYPE>(keys, 0, turned_size, pages, stride), index, turned_size, turned + place * turned_size);
    read_row(CacheHead<TYPE>(values, 0, rank, pages, stride), index, rank, latent + place * rank);
}

// Reads what the cache has of neighbouring tokens of a sequence. Blocks of 128 threads (n).
//   live         (1)
//   from         (2): the slot, and the position of the first token
//   page_table   (slots, table_width)
//   keys, values those of the cache, of one head
//   turned       (n, turned_size)
//   latent       (n, rank)
#define READ_LATENT(type) \
    extern "C" __global__ void __launch_bounds__(THREADS) read_latent_##type(const int *live, const int *from, \
            const int *page_table, int table_width, unsigned char *keys, unsigned char *values, int pages, int page_tokens, \
            int stride, int turned_size, int rank, float *turned, float *latent) { \
        read_latent<Cache::type>(live, from, page_table, table_width, keys, values, pages, page_tokens, stride, turned_size, \
                rank, turned, latent); \
    }

READ_LATENT(f32)
READ_LATENT(f16)
READ_LATENT(q8_0)
READ_LATENT(q4_0)

// The two parts of each head one behind the other. Blocks of 128 threads (heads, n).
//   live   (1)
//   first  (n, heads, first_size)
//   second (n, heads, second_size), or (n, second_size) if it is shared
//   out    (n, heads, first_size + second_size)
extern "C" __global__ void __launch_bounds__(THREADS) join_heads(const int *live, const float *first, const float *second,
        float *out, int first_size, int second_size, int shared) {
    int row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    size_t place = static_cast<size_t>(row) * gridDim.x + blockIdx.x;
    first += place * first_size;
    second += (shared ? row : place) * second_size;
    out += place * (first_size + second_size);
#pragma unroll 1
    for (int i = threadIdx.x; i < first_size + second_size; i += THREADS) {
        out[i] = i < first_size ? first[i] : second[i - first_size];
    }
}

// Adds what the splits of a tile found to what the tiles before it gave. Blocks of 128 threads (heads, n).
//   live     (1)
//   partials (n, heads, splits, value_size + 2)
//   first    whether no tile came before
//   sums     (n, heads, 2): the largest score so far, and the sum of exponentials of scores less it
//   out      (n, heads, value_size): the attention over the tiles so far
extern "C" __global__ void __launch_bounds__(THREADS) carry_splits(
        const int *live, const float *partials, int splits, int value_size, int first, float *sums, float *out) {
    int row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    size_t place = static_cast<size_t>(row) * gridDim.x + blockIdx.x;
    partials += place * splits * (value_size + 2);
    sums += place * 2;
    out += place * value_size;
    float most = first ? LEAST_SCORE : sums[0];
    float own = first ? 0 : sums[1];
    float now = most;
#pragma unroll 1
    for (int split = 0; split < splits; split++) {
        now = fmaxf(now, partials[split * (value_size + 2) + value_size]);
    }
    own *= expf(most - now);
    float all = own;
#pragma unroll 1
    for (int split = 0; split < splits; split++) {
        const float *its = partials + split * (value_size + 2);
        all = fmaf(expf(its[value_size] - now), its[value_size + 1], all);
    }
    float inverse = all == 0 ? 0 : 1 / all;
#pragma unroll 1
    for (int column = threadIdx.x; column < value_size; column += THREADS) {
        float sum = own == 0 ? 0 : own * out[column];
#pragma unroll 1
        for (int split = 0; split < splits; split++) {
            const float *its = partials + split * (value_size + 2);
            sum = fmaf(expf(its[value_size] - now), its[column], sum);
        }
        out[column] = sum * inverse;
    }
    // All have read what stood there.
    __syncthreads();
    if (threadIdx.x == 0) {
        sums[0] = now;
        sums[1] = all;
    }
}
