/*
 * How quantized weights lie in memory. A tile is 32 rows; along its columns it is cut into panels of 256. What a row has in a panel is a
 * string of bytes, as long as in the file: its blocks without what the file orders otherwise (repack.cu). A whole panel's strings
 * are cut into pieces of 16 bytes, what is left into pieces of 8, 4 and 2; piece p of all 32 rows lies together, that of row r at
 * 512 p + 16 r: the 32 lanes of a warp, one row each, read 512 bytes in one instruction.
 *
 * Types with blocks of 32 columns put their quants first, 16 or 32 bytes of each block, then their small fields (scales, upper bits),
 * each field of all blocks together. The last panel of such types may have fewer blocks; its small fields then lie in lines: a field of a
 * block of all 32 rows.
 *
 * A type is a struct with
 *   BYTES: of a row in a whole panel
 *   BLOCK_BYTES: of a row in a block of the file
 *   HALVES: whether each 16 columns have a scale of their own
 *   OFFSETS: whether there are offsets
 *   ZERO: the quant that means 0
 *   read(source, b): block b of a panel
 *   word(source, b, i), and BY_WORDS, where one word of its quants takes more than that of each piece
 */
#pragma once
#include <cuda_fp16.h>

using bytes = unsigned char;

constexpr int TILE_ROWS = 32;
constexpr int BLOCK_COLUMNS = 32;
constexpr int PANEL_BLOCKS = 8;
constexpr int PANEL_COLUMNS = 256;

/* 32 columns of a row: a weight is scale * (quant - ZERO) + offset; where halves have their own, in units of scale and offset. */
struct Block {
    int words[8]; /* quants, signed bytes: columns 4 i ... 4 i + 3 in word i */
    float scale;
    float offset;
    int scales[2];
    int minima[2];
};

__device__ inline float half_bits(unsigned bits) {
    return __half2float(__ushort_as_half(static_cast<unsigned short>(bits)));
}

/* One of four words; costs nothing where i is known. */
__device__ inline unsigned select(uint4 from, int i) {
    unsigned low = i & 1 ? from.y : from.x;
    unsigned high = i & 1 ? from.w : from.z;
    return i & 2 ? high : low;
}

/* Where a byte of a string of `size` bytes lies, from where the first piece of the row does not yet begin. */
__device__ inline size_t place(int offset, int row, int size) {
    int whole = size / 16 * 16;
    if (offset < whole) {
        return offset / 16 * 512 + row * 16 + offset % 16;
    }
    int at = whole;
    for (int piece = 8; piece > 0; piece /= 2) {
        if (size & piece) {
            if (offset < at + piece) {
                return at * TILE_ROWS + row * piece + offset - at;
            }
            at += piece;
        }
    }
    return 0;
}

/* Reads of global memory that nobody writes, and of shared memory. */
struct Constant {
    template <class Value>
    __device__ static Value load(const bytes* at) {
        return __ldg(reinterpret_cast<const Value*>(at));
    }
};
/* The same in pieces, which are read once and leave the first cache to activations. */
struct Streamed {
    template <class Value>
    __device__ static uint4 load(const bytes* at) {
        uint4 to;
        asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(to.x), "=r"(to.y), "=r"(to.z), "=r"(to.w) : "l"(at));
        return to;
    }
};

struct Shared {
    template <class Value>
    __device__ static Value load(const bytes* at) {
        return *reinterpret_cast<const Value*>(at);
    }
};

/* The string of a row in a panel where it is; the blocks that are read need not be known when this is compiled. */
template <class Type, class Memory = Constant>
struct StoredPanel {
    const bytes* panel;
    int row;
    int blocks;

    __device__ uint4 piece(int p) const {
        return Memory::template load<uint4>(panel + p * 512 + row * 16);
    }

    /* One whose half bytes have the order of columns. */
    __device__ uint4 ordered_piece(int p) const {
        return piece(p);
    }

    /* One that is known to be in a piece of 16 bytes. */
    __device__ unsigned word_of_pieces(int i) const {
        return Memory::template load<unsigned>(panel + i / 4 * 512 + row * 16 + i % 4 * 4);
    }

    __device__ unsigned word(int i) const {
        return Memory::template load<unsigned>(panel + place(4 * i, row, Type::BYTES));
    }

    __device__ unsigned half(int i) const {
        return Memory::template load<unsigned short>(panel + place(2 * i, row, Type::BYTES));
    }

    /* A field of `size` bytes, which the fields of a block before it take `before` bytes of. */
    __device__ const bytes* field(int before, int size, int b) const {
        if (blocks == PANEL_BLOCKS) {
            return panel + place(before * PANEL_BLOCKS + size * b, row, Type::BYTES);
        }
        return panel + TILE_ROWS * (before * blocks + size * b) + row * size;
    }

    __device__ unsigned field_byte(int before, int b) const {
        return Memory::template load<bytes>(field(before, 1, b));
    }

    __device__ unsigned field_half(int before, int b) const {
        return Memory::template load<unsigned short>(field(before, 2, b));
    }

    __device__ unsigned field_word(int before, int b) const {
        return Memory::template load<unsigned>(field(before, 4, b));
    }
};

/* The string of a row in a whole panel, all of which is read at once; the blocks that are taken from it must be known. */
template <class Type, class Memory>
struct LoadedPanel {
    static constexpr int PIECES = Type::BYTES / 16;
    static constexpr int WORDS = (Type::BYTES + 3) / 4;
    unsigned words[WORDS];

    __device__ LoadedPanel(const bytes* panel, int row) {
        StoredPanel<Type> stored{panel, row, PANEL_BLOCKS};
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            uint4 piece = Memory::template load<uint4>(panel + p * 512 + row * 16);
            words[4 * p] = piece.x;
            words[4 * p + 1] = piece.y;
            words[4 * p + 2] = piece.z;
            words[4 * p + 3] = piece.w;
        }
        constexpr int tail = 4 * PIECES;
        if constexpr (Type::BYTES & 8) {
            uint2 pair = __ldg(reinterpret_cast<const uint2*>(panel + place(4 * tail, row, Type::BYTES)));
            words[tail] = pair.x;
            words[tail + 1] = pair.y;
        }
        if constexpr (Type::BYTES & 4) {
            constexpr int at = tail + (Type::BYTES & 8) / 4;
            words[at] = stored.word(at);
        }
        if constexpr (Type::BYTES & 2) {
            words[WORDS - 1] = stored.half(2 * (WORDS - 1));
        }
    }

    __device__ unsigned word(int i) const {
        return words[i];
    }

    __device__ unsigned half(int i) const {
        return words[i / 2] >> 16 * (i % 2) & 0xffff;
    }

    __device__ uint4 piece(int p) const {
        return make_uint4(words[4 * p], words[4 * p + 1], words[4 * p + 2], words[4 * p + 3]);
    }

    __device__ uint4 ordered_piece(int p) const {
        return piece(p);
    }

    __device__ unsigned field_byte(int before, int b) const {
        int at = before * PANEL_BLOCKS + b;
        return words[at / 4] >> 8 * (at % 4) & 0xff;
    }

    __device__ unsigned field_half(int before, int b) const {
        return half(before * PANEL_BLOCKS / 2 + b);
    }

    __device__ unsigned field_word(int before, int b) const {
        return words[before * PANEL_BLOCKS / 4 + b];
    }
};
