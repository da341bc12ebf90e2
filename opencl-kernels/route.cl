// The sum of the `count` largest of some scores.
inline float sum_of_largest(local const float *scores, int begin, int end, int count) {
    float sum = 0;
    float bound = INFINITY;
    // Scores of one value count as often as there are such.
    for (int taken = 0; taken < count;) {
        float most = -INFINITY;
        int times = 0;
        for (int i = begin; i < end; i++) {
            float score = scores[i];
            if (score < bound && score > most) {
                most = score;
                times = 0;
            }
            times += score == most;
        }
        times = min(max(times, 1), count - taken);
        sum += times * most;
        taken += times;
        bound = most;
    }
    return sum;
}

// Chooses the experts of a row, one row per work-group of LANES: those of the largest logits, the lower id among equals. With a bias or
// groups it is those of the largest scores, probabilities plus bias, in the groups of the largest scores.
// Global size (n * LANES).
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void route(
        global const int *live,      // (1)
        int sigmoid,
        int normalize,
        float scale,
        global const float *logits,  // (n, experts)
        int experts,
        global const float *bias,    // (experts) or null
        int groups,
        int groups_used,
        int group_best,              // experts that make up a group's score
        global int *ids,             // (n, used)
        global float *weights,       // (n, used)
        int used,
        local float *left            // (experts + groups)
) {
    local float values[LANES];
    local int places[LANES];
    local float sums[LANES];
    int lid = get_local_id(0);
    int row = get_group_id(0);
    int count = row < live[0] ? used : 0;
    global const float *its = logits + (ulong)row * experts;
    float largest = -INFINITY;
    for (int i = lid; i < experts && count > 0; i += LANES) {
        left[i] = its[i];
        largest = fmax(largest, left[i]);
    }
    values[lid] = largest;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < LANES; i++) {
        largest = fmax(largest, values[i]);
    }
    float all = 0;
    for (int i = lid; i < experts && count > 0; i += LANES) {
        all += exp(left[i] - largest);
    }
    sums[lid] = all;
    barrier(CLK_LOCAL_MEM_FENCE);
    all = 0;
    for (int i = 0; i < LANES; i++) {
        all += sums[i];
    }
    bool grouped = groups_used < groups;
    if (bias || grouped) {
        for (int i = lid; i < experts && count > 0; i += LANES) {
            float score = sigmoid ? 1 / (1 + exp(-left[i])) : exp(left[i] - largest) / all;
            left[i] = bias ? score + bias[i] : score;
        }
    }
    int size = experts / groups;
    local float *scores = left + experts;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int g = lid; g < groups && grouped && count > 0; g += LANES) {
        scores[g] = sum_of_largest(left, g * size, (g + 1) * size, group_best);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    // Each work-item strikes out its own experts, as it sees no others below.
    for (int i = lid; i < experts && grouped && count > 0; i += LANES) {
        int g = i / size;
        int before = 0;
        for (int other = 0; other < groups; other++) {
            before += scores[other] > scores[g] || (scores[other] == scores[g] && other < g);
        }
        left[i] = before < groups_used ? left[i] : -INFINITY;
    }
    float chosen = 1e-20f;
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
        barrier(CLK_LOCAL_MEM_FENCE);
        float weight = sigmoid ? 1 / (1 + exp(-its[place])) : exp(its[place] - largest) / all;
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
