// Attention over latent vectors on tensor cores.

#include "flash_latent.cuh"

// The arguments are those of latent.cu, the sizes multiples of 8. Blocks of 256 threads (splits, heads / 32, limit).
extern "C" __global__ void __launch_bounds__(LatentFlash::THREADS, 1) flash_latent_f16(const int *live, const int *positions,
        const int *slots, const int *page_table, int table_width, const float *q, const float *turned, unsigned char *keys,
        unsigned char *values, int pages, int page_tokens, int stride, int turned_size, int rank, int heads, float scale, float *out,
        float *partials) {
    if (gridDim.z - 1 - blockIdx.z < *live) {
        LatentFlash block({positions, slots, page_table, table_width, q, turned, keys, values, pages, page_tokens, stride, turned_size,
                rank, heads, scale, out, partials});
        block.attend();
    }
}
