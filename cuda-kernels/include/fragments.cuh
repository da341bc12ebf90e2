/*
 * Quants of weights as tensor cores take them, out of panels in shared memory: of a block of a row, a lane needs one word of the first 16
 * columns and the same word of the last. Most types are read as anywhere, but from a panel that gives the lane's word for each word of a
 * piece: then only words 0 and 4 of a block are right, and nothing else is.
 */
#pragma once
#include "types.cuh"

template <class Type>
struct WordPanel {
    const bytes* panel;
    int row;
    int its; /* the word, 0 ... 3 */
    int blocks;

    __device__ unsigned at(int p, int offset) const {
        return *reinterpret_cast<const unsigned*>(panel + p * 512 + row * 16 + offset);
    }

    __device__ uint4 piece(int p) const {
        unsigned word = at(p, 4 * its);
        return make_uint4(word, word, word, word);
    }

    /* Of a piece whose half bytes have the order of columns. */
    __device__ uint4 ordered_piece(int p) const {
        int shift = its % 2 * 16;
        unsigned first = at(p, its / 2 * 4) >> shift;
        unsigned last = at(p, 8 + its / 2 * 4) >> shift;
        return make_uint4(first, first, last, last);
    }

    /* Of fifth bits: what belongs to the lane's word where that of word 0 is looked for. */
    __device__ unsigned field_word(int before, int b) const {
        return StoredPanel<Type, Shared>{panel, row, blocks}.field_word(before, b) >> its;
    }

    /* What follows is of scales, for which there is no use here. */
    __device__ unsigned word(int) const {
        return 0;
    }

    __device__ unsigned half(int) const {
        return 0;
    }

    __device__ unsigned field_byte(int, int) const {
        return 0;
    }

    __device__ unsigned field_half(int, int) const {
        return 0;
    }
};

template <class Type, class = void>
constexpr bool BY_WORDS = false;
template <class Type>
constexpr bool BY_WORDS<Type, decltype(void(Type::BY_WORDS))> = true;

/* A lane's quants of two rows, lane / 4 and 8 + lane / 4 of 16. */
struct Fragment {
    unsigned first[2];
    unsigned last[2];
};

/* Those of block b from row `from` of a tile on. */
template <class Type>
__device__ inline Fragment read_fragment(const bytes* panel, int from, int blocks, int b) {
    Fragment to;
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        int row = from + 8 * i + lane / 4;
        if constexpr (BY_WORDS<Type>) {
            StoredPanel<Type, Shared> stored{panel, row, blocks};
            to.first[i] = Type::word(stored, b, lane % 4);
            to.last[i] = Type::word(stored, b, 4 + lane % 4);
        } else {
            Block w = Type::read(WordPanel<Type>{panel, row, lane % 4, blocks}, b);
            to.first[i] = w.words[0];
            to.last[i] = w.words[4];
        }
    }
    return to;
}
