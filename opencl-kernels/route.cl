// Chooses the experts of a row, one row per work-group of LANES: those of the largest logits, the lower id among equals.
// Global size (n * LANES).
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void route(
        global const int *live,      // (1)
        int sigmoid,
        int normalize,
        float scale,
        global const float *logits,  // (n, experts)
        int experts,
        global int *ids,             // (n, used)
        global float *weights,       // (n, used)
        int used,
        local float *left            // (experts)
) {
    local float values[LANES];
    local int places[LANES];
    local float sums[LANES];
    int lid = get_local_id(0);
    int row = get_group_id(0);
    int count = row < live[0] ? used : 0;
    global const float *its = logits + (ulong)row * experts;
    for (int i = lid; i < experts && count > 0; i += LANES) {
        left[i] = its[i];
    }
    float largest = 0;
    float all = 0;
    float chosen = 0;
    for (int n = 0; n < count; n++) {
        // Each work-item sees its own experts only, so that no barrier is needed before.
        float most = -INFINITY;
        int place = min(lid, experts - 1);
        for (int i = lid; i < experts; i += LANES) {
            if (left[i] > most) {
                most = left[i];
                place = i;
            }
        }
        values[lid] = most;
        places[lid] = place;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = 0; i < LANES; i++) {
            if (values[i] > most || (values[i] == most && places[i] < place)) {
                most = values[i];
                place = places[i];
            }
        }
        if (n == 0) {
            largest = most;
            float sum = 0;
            for (int i = lid; i < experts; i += LANES) {
                sum += exp(left[i] - largest);
            }
            sums[lid] = sum;
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int i = 0; i < LANES; i++) {
                all += sums[i];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        float weight = sigmoid ? 1 / (1 + exp(-most)) : exp(most - largest) / all;
        chosen += weight;
        if (place % LANES == lid) {
            left[place] = -INFINITY;
            ids[row * used + n] = place;
            weights[row * used + n] = weight;
        }
    }
    // What each wrote itself.
    float factor = normalize ? scale / chosen : scale;
    for (int n = 0; n < count; n++) {
        if (ids[row * used + n] % LANES == lid) {
            weights[row * used + n] *= factor;
        }
    }
}
