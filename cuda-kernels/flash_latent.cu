// Attention over latent vectors on tensor cores. Compiled with TYPE, that of the cache.

#include "flash_latent.cuh"

#define JOIN_2(a, b) a##_##b
#define NAME_2(a, b) JOIN_2(a, b)

// The arguments are those of latent.cu, the sizes multiples of 8. Blocks of 256 threads (splits, heads / 32, limit).
extern "C" __global__ void __launch_bounds__(LATENT_FLASH_THREADS, 1) NAME_2(flash_latent, TYPE)(const int *live, const int *positions,
        const int *slots, const int *page_table, int table_width, const float *q, const float *turned, unsigned char *keys,
        unsigned char *values, int pages, int page_tokens, int stride, int turned_size, int rank, int heads, float scale, float *out,
        float *partials) {
    if (gridDim.z - 1 - blockIdx.z < *live) {
        using Block = LatentFlash<Cache::TYPE>;
        extern __shared__ __align__(16) unsigned char memory[];
        Block block({positions, slots, page_table, table_width, q, turned, keys, values, pages, page_tokens, stride, turned_size, rank,
                            heads, scale, out, partials},
                memory);
        block.attend(*reinterpret_cast<Block::Scores *>(memory + Block::Tiles::BYTES));
    }
}
