/* Which rows of activations an expert has to do with. */

/*
 * Lists, for each expert, the places of the live rows of ids that chose it, ascending: a place is a row's choice, counted through all
 * rows.
 *
 * live: (1), the number of rows; ids: (n, used); counts: (experts); places: (experts, capacity)
 * blocks of 32: one for each expert
 */
extern "C" __global__ void __launch_bounds__(32) list_places(
        const int* __restrict__ live, const int* __restrict__ ids, int used, int experts, int capacity, int* __restrict__ counts,
        int* __restrict__ places) {
    const unsigned all = 0xffffffffu;
    int expert = blockIdx.x;
    int end = *live * used;
    int lane = threadIdx.x;
    int* list = places + static_cast<size_t>(expert) * capacity;
    int count = 0;
#pragma unroll 1
    for (int from = 0; from < end; from += 32) {
        int place = from + lane;
        bool chosen = place < end && ids[place] == expert;
        unsigned votes = __ballot_sync(all, chosen);
        if (chosen) {
            list[count + __popc(votes & ((1u << lane) - 1))] = place;
        }
        count += __popc(votes);
    }
    if (lane == 0) {
        counts[expert] = count;
    }
}
