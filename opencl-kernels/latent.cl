// The part of the scores of latent attention that the latent vectors give, which the cache has as values.

// Adds the products of the latent vectors of VECTOR tokens, the first at `token` of a page, with all queries of the tile.
inline void add_latent_scores(global const uchar *page, int stride, int token, local const float *q, floats *s) {
    float products[QUERIES][VECTOR];
#pragma unroll 1
    for (int t = 0; t < VECTOR; t++) {
        floats sum[QUERIES];
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            sum[j] = 0;
        }
#pragma unroll 1
        for (int column = 0; column < VALUE_SIZE; column += VECTOR) {
            floats value = values_of(page, stride, token + t, column);
#if VALUE_SIZE % VECTOR != 0
            value = select((floats)(0), value, (ints)(column) + IOTA < VALUE_SIZE);
#endif
#pragma unroll
            for (int j = 0; j < QUERIES; j++) {
                sum[j] = fma(LOAD(q + j * VALUE_STRIDE + column), value, sum[j]);
            }
        }
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            products[j][t] = total(sum[j]);
        }
    }
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        s[j] += LOAD(products[j]);
    }
}

// Brings the parts of queries that meet latent vectors to local memory, [QUERIES][VALUE_STRIDE]; those of other rows than row ... end - 1
// are zero. Where vectors are quantized, so are these.
inline void load_latent_queries(global const float *q, int row, int end, int first_row, int heads, int head, int per_row, float factor,
        local float *target) {
#if VALUES == F32 || VALUES == F16
    const int unit = 1;
#else
    const int unit = BLOCK;
#endif
    for (int i = get_local_id(0) * unit; i < QUERIES * VALUE_STRIDE; i += LANES * unit) {
        int j = i / VALUE_STRIDE;
        int column = i % VALUE_STRIDE;
        int its = first_row + j / per_row;
        if (its < row || its >= end || column >= VALUE_SIZE) {
            for (int k = 0; k < unit; k++) {
                target[i + k] = 0;
            }
            continue;
        }
        global const float *x = q + ((ulong)its * heads + head + j % per_row) * VALUE_SIZE + column;
#if VALUES == F32 || VALUES == F16
        target[i] = x[0] * factor;
#else
        float amax = 0;
        for (int k = 0; k < BLOCK; k++) {
            amax = fmax(amax, fabs(x[k]));
        }
        float inverse = amax == 0 ? 0 : 127 / amax;
        float scale = amax / 127 * factor;
        for (int k = 0; k < BLOCK; k++) {
            target[i + k] = ((int)(x[k] * inverse + 128.5f) - 128) * scale;
        }
#endif
    }
}
