// Rotary position embedding.
#pragma once

// Sine and cosine of a position times a frequency, within 3e-7, without float64: the angle is exact in two floats, and
// whole quarter turns are taken off in three parts.
__device__ inline float2 turn(int position, float frequency) {
    float high = __fmul_rn(static_cast<float>(position), frequency);
    float low = __fmaf_rn(static_cast<float>(position), frequency, -high);
    float quarters = rintf(__fmul_rn(high, 0.63661977f));
    float x = __fmaf_rn(-quarters, 1.5707964f, high);
    x = __fadd_rn(__fmaf_rn(-quarters, -4.3711388e-8f, x), low);
    float square = x * x;
    float s = fmaf(square, 2.7525562e-6f, -1.9840874e-4f);
    s = fmaf(s, square, 8.3333310e-3f);
    s = fmaf(s, square, -1.6666667e-1f);
    s = fmaf(s * square, x, x);
    float c = fmaf(square, 2.4390449e-5f, -1.3886763e-3f);
    c = fmaf(c, square, 4.1666638e-2f);
    c = fmaf(c, square, -0.5f);
    c = fmaf(c, square, 1);
    int quarter = static_cast<int>(quarters);
    float sine = quarter & 1 ? c : s;
    float cosine = quarter & 1 ? s : c;
    return make_float2(quarter & 2 ? -sine : sine, (quarter + 1) & 2 ? -cosine : cosine);
}

// Turns one pair of each of `heads` heads that stand one after another.
__device__ inline void turn_heads(float *x, int heads, int head_size, int pair, int pairs, int interleaved, int position,
        const float *frequencies, float magnitude) {
    float2 turned = turn(position, frequencies[pair]);
    float sine = turned.x * magnitude;
    float cosine = turned.y * magnitude;
    int first = interleaved ? 2 * pair : pair;
    int second = interleaved ? first + 1 : pair + pairs;
    for (int head = 0; head < heads; head++, x += head_size) {
        float a = x[first];
        float b = x[second];
        x[first] = a * cosine - b * sine;
        x[second] = a * sine + b * cosine;
    }
}
