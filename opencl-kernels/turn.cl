// Rotary position embedding.

// Sine and cosine of a position times a frequency, within 3e-7, without float64: the angle is exact in two floats, and
// whole quarter turns are taken off in three parts.
inline void turn(int position, floats frequency, floats *sine, floats *cosine) {
    floats high = (float)position * frequency;
    floats low = fma((floats)((float)position), frequency, -high);
    floats quarters = rint(high * 0.63661977f);
    floats x = fma(-quarters, (floats)(1.5707964f), high);
    x = fma(-quarters, (floats)(-4.3711388e-8f), x) + low;
    floats square = x * x;
    floats s = fma(square, (floats)(2.7525562e-6f), (floats)(-1.9840874e-4f));
    s = fma(s, square, (floats)(8.3333310e-3f));
    s = fma(s, square, (floats)(-1.6666667e-1f));
    s = fma(s * square, x, x);
    floats c = fma(square, (floats)(2.4390449e-5f), (floats)(-1.3886763e-3f));
    c = fma(c, square, (floats)(4.1666638e-2f));
    c = fma(c, square, (floats)(-0.5f));
    c = fma(c, square, (floats)(1));
    ints quarter = TO_INTS(quarters);
    ints odd = (quarter & 1) != 0;
    floats first = select(s, c, odd);
    floats second = select(c, s, odd);
    *sine = select(first, -first, (quarter & 2) != 0);
    *cosine = select(second, -second, (quarter + 1 & 2) != 0);
}

// Turns VECTOR pairs of `heads` heads that stand one after another, those from `pair` on.
inline void turn_heads(
        global float *x, int heads, int head_size, int pair, int pairs, int interleaved, int position,
        global const float *frequencies, float magnitude) {
    int count = min(VECTOR, pairs - pair);
    floats sine;
    floats cosine;
    turn(position, load_some(frequencies + pair, count), &sine, &cosine);
    sine *= magnitude;
    cosine *= magnitude;
    float sines[VECTOR];
    float cosines[VECTOR];
    STORE(sine, sines);
    STORE(cosine, cosines);
    for (int head = 0; head < heads; head++, x += head_size) {
        if (interleaved || count < VECTOR) {
            int step = interleaved ? 2 : 1;
            int apart = interleaved ? 1 : pairs;
            for (int i = 0; i < count; i++) {
                global float *first = x + (pair + i) * step;
                float a = first[0];
                float b = first[apart];
                first[0] = a * cosines[i] - b * sines[i];
                first[apart] = a * sines[i] + b * cosines[i];
            }
        } else {
            floats a = LOAD(x + pair);
            floats b = LOAD(x + pair + pairs);
            STORE(a * cosine - b * sine, x + pair);
            STORE(a * sine + b * cosine, x + pair + pairs);
        }
    }
}
