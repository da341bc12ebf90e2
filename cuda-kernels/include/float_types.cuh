/* Types of floats: see float_products.cuh. */
#pragma once
#include "parts.cuh"

struct F32 {
    static constexpr int VALUE_BYTES = 4;

    __device__ static float one(const bytes* at) {
        return __ldg(reinterpret_cast<const float*>(at));
    }

    __device__ static void decode(uint4 piece, float4* fours) {
        fours[0] = make_float4(
                __uint_as_float(piece.x), __uint_as_float(piece.y), __uint_as_float(piece.z), __uint_as_float(piece.w));
    }
};

struct F16 {
    static constexpr int VALUE_BYTES = 2;

    __device__ static float one(const bytes* at) {
        return half_bits(__ldg(reinterpret_cast<const unsigned short*>(at)));
    }

    __device__ static float4 four(unsigned low, unsigned high) {
        return make_float4(half_bits(low & 0xffff), half_bits(low >> 16), half_bits(high & 0xffff), half_bits(high >> 16));
    }

    __device__ static void decode(uint4 piece, float4* fours) {
        fours[0] = four(piece.x, piece.y);
        fours[1] = four(piece.z, piece.w);
    }
};

/* The upper half of a float32. */
struct BF16 {
    static constexpr int VALUE_BYTES = 2;

    __device__ static float one(const bytes* at) {
        return __uint_as_float(static_cast<unsigned>(__ldg(reinterpret_cast<const unsigned short*>(at))) << 16);
    }

    __device__ static float4 four(unsigned low, unsigned high) {
        return make_float4(
                __uint_as_float(low << 16),
                __uint_as_float(low & 0xffff0000),
                __uint_as_float(high << 16),
                __uint_as_float(high & 0xffff0000));
    }

    __device__ static void decode(uint4 piece, float4* fours) {
        fours[0] = four(piece.x, piece.y);
        fours[1] = four(piece.z, piece.w);
    }
};

template <class Type>
constexpr int PIECE_VALUES = 16 / Type::VALUE_BYTES;

template <class Type>
__device__ inline size_t tile_bytes(int columns) {
    return static_cast<size_t>(columns) * (Type::VALUE_BYTES * TILE_ROWS);
}

/* A piece of the lane's row. */
template <class Type>
struct FloatPiece {
    float4 fours[PIECE_VALUES<Type> / 4];

    __device__ FloatPiece(const bytes* tile, int p) {
        Type::decode(__ldg(reinterpret_cast<const uint4*>(tile) + static_cast<size_t>(p) * TILE_ROWS + threadIdx.x), fours);
    }
};

/* The weight of a row and a column. */
template <class Type>
__device__ inline float float_weight(const bytes* tile, int column, int row, int columns) {
    size_t at = static_cast<size_t>(column) * Type::VALUE_BYTES;
    int values = PIECE_VALUES<Type>;
    if (column < columns / values * values) {
        return Type::one(tile + at / 16 * 512 + row * 16 + at % 16);
    }
    return Type::one(tile + at * TILE_ROWS + row * Type::VALUE_BYTES);
}
