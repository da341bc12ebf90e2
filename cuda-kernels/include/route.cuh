// The choice of experts.

// The sum of the `count` largest of some scores; those of one value count as often as there are such.
__device__ inline float sum_of_largest(const float *scores, int begin, int end, int count) {
    float sum = 0;
    float bound = INFINITY;
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

// Strikes out the experts of a row that are not in the groups of the largest scores. One warp.
//   scores (experts), read and written
//   sums   (groups), room for the scores of groups
__device__ inline void leave_groups(float *scores, float *sums, int experts, int groups, int groups_used, int group_best) {
    int size = experts / groups;
    for (int g = threadIdx.x; g < groups; g += WARP) {
        sums[g] = sum_of_largest(scores, g * size, (g + 1) * size, group_best);
    }
    __syncwarp();
    // Each lane strikes out its own experts, and sees no others after.
    for (int i = threadIdx.x; i < experts; i += WARP) {
        int g = i / size;
        int before = 0;
        for (int other = 0; other < groups; other++) {
            before += sums[other] > sums[g] || (sums[other] == sums[g] && other < g);
        }
        scores[i] = before < groups_used ? scores[i] : -INFINITY;
    }
}

// Chooses the experts of a row: those of the largest logits, the lower id among equals. With a bias or groups it is those of the largest
// scores, probabilities plus bias, in the groups of the largest scores. The first warp of a block does a row.
//   live    (1)
//   logits  (n, experts)
//   bias    (experts) or null
//   ids     (n, used)
//   weights (n, used)
//   shared memory: floats (experts + groups)
extern "C" __global__ void route(const int *live, int sigmoid, int normalize, float scale, const float *logits, int experts,
        const float *bias, int groups, int groups_used, int group_best, int *ids, float *weights, int used) {
    extern __shared__ float left[];
    size_t row = blockIdx.x;
    int lane = threadIdx.x;
    if (row >= *live || lane >= WARP) {
        return;
    }
    logits += row * experts;
    ids += row * used;
    weights += row * used;
    // Each lane sees its own experts only.
    float largest = -INFINITY;
    for (int i = lane; i < experts; i += WARP) {
        left[i] = logits[i];
        largest = fmaxf(largest, left[i]);
    }
    largest = warp_max(largest);
    float all = 0;
    for (int i = lane; i < experts; i += WARP) {
        all += expf(left[i] - largest);
    }
    all = warp_sum(all);
    if (bias || groups_used < groups) {
        for (int i = lane; i < experts; i += WARP) {
            float score = sigmoid ? 1 / (1 + expf(-left[i])) : expf(left[i] - largest) / all;
            left[i] = bias ? score + bias[i] : score;
        }
        __syncwarp();
    }
    if (groups_used < groups) {
        leave_groups(left, left + experts, experts, groups, groups_used, group_best);
    }
    float chosen = 1e-20f;
    for (int n = 0; n < used; n++) {
        Placed first = {-INFINITY, min(lane, experts - 1)};
        for (int i = lane; i < experts; i += WARP) {
            first = left[i] > first.value ? Placed{left[i], i} : first;
        }
        first = warp_first(first);
        float logit = logits[first.place];
        float weight = sigmoid ? 1 / (1 + expf(-logit)) : expf(logit - largest) / all;
        chosen += weight;
        if (first.place % WARP == lane) {
            left[first.place] = -INFINITY;
        }
        if (n % WARP == lane) {
            ids[n] = first.place;
            weights[n] = weight;
        }
    }
    float factor = normalize ? scale / chosen : scale;
    for (int n = lane; n < used; n += WARP) {
        weights[n] *= factor;
    }
}
