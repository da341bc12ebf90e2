// Attention over latent vectors, which are the values of a cache, and the first part of its keys; the last part are its keys.

#include "latent.cuh"

// A block takes some query heads of a row, and one part of the tokens that it sees. Where there are several splits, each leaves in
// `partials` its sums, its largest score and its total. Blocks of 128 threads (splits, heads / 8, limit).
//   live          (1)
//   positions     (n)
//   slots         (n)
//   page_table    (slots, table_width)
//   q             (n, heads, rank), for the latent vectors
//   turned        (n, heads, turned_size), for the rest of the keys
//   keys, values  those of the cache, of sizes turned_size and rank
//   out           (n, heads, rank)
//   partials      (n, heads, splits, rank + 2) or null
// Shared memory: for each of 8 queries and 16 tokens its values, rounded up to an odd number of floats, and a float for each 32 of them; then
// a float for each query and token, and for each query.
#define LATENT(type) \
    extern "C" __global__ void __launch_bounds__(LATENT_THREADS, 1) latent_##type(const int *live, const int *positions, \
            const int *slots, const int *page_table, int table_width, const float *q, const float *turned, unsigned char *keys, \
            unsigned char *values, int pages, int page_tokens, int stride, int turned_size, int rank, int heads, float scale, \
            float *out, float *partials) { \
        if (blockIdx.z < *live) { \
            LatentBlock<Cache::type> block({positions, slots, page_table, table_width, q, turned, keys, values, pages, page_tokens, \
                    stride, turned_size, rank, heads, scale, out, partials}); \
            block.attend(); \
        } \
    }

LATENT(f32)
LATENT(f16)
LATENT(q8_0)
LATENT(q4_0)
