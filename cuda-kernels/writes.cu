// What the host writes before a step: few words to several places, with one launch.

constexpr int MOST_PLACES = 8;
constexpr int MOST_WORDS = 224;

// Words for several places, one after another; a copy is part of the launch.
struct Writes {
    int *places[MOST_PLACES];
    int ends[MOST_PLACES];  // of each place's words; those that are not used end where the last one does
    int words[MOST_WORDS];
};

// One block of MOST_WORDS threads.
extern "C" __global__ void __launch_bounds__(MOST_WORDS) write_words(const Writes writes) {
    int i = threadIdx.x;
    int begin = 0;
#pragma unroll
    for (int place = 0; place < MOST_PLACES; place++) {
        int end = writes.ends[place];
        if (i >= begin && i < end) {
            writes.places[place][i - begin] = writes.words[i];
        }
        begin = end;
    }
}
