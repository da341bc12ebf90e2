// Reading at the greatest rate. Build options: LANES work-items of a group read neighbouring words, or one reads STREAMS ranges in turn.

#if LANES == 1
typedef uint16 words;
#else
typedef uint4 words;
#endif

// Work-groups share the data in equal parts.
//   data (count)
//   sums (work-items): what keeps the reads from being left out
kernel void read_all(global const words *data, global words *sums, ulong count) {
    words sum = 0;
#if LANES == 1
    ulong length = count / get_num_groups(0) / STREAMS;
    data += get_group_id(0) * length * STREAMS;
    words parts[STREAMS];
    for (int s = 0; s < STREAMS; s++) {
        parts[s] = 0;
    }
    for (ulong i = 0; i < length; i++) {
        for (int s = 0; s < STREAMS; s++) {
            parts[s] += data[s * length + i];
        }
    }
    for (int s = 0; s < STREAMS; s++) {
        sum += parts[s];
    }
#else
    for (ulong i = get_global_id(0); i < count; i += get_global_size(0)) {
        sum += data[i];
    }
#endif
    sums[get_global_id(0)] = sum;
}
