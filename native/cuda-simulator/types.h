// Operand types of PTX instructions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nibble::simulator {

enum class Type : std::uint8_t {
    b8, b16, b32, b64, b128, u8, u16, u32, u64, s8, s16, s32, s64, f16, f16x2, bf16, bf16x2, f32, f64, pred,
};

std::optional<Type> type_of(std::string_view name);
// Bits of a value; 1 for a predicate.
unsigned bits_of(Type type);
constexpr bool is_signed(Type type) { return type >= Type::s8 && type <= Type::s64; }
constexpr bool is_unsigned(Type type) { return type >= Type::u8 && type <= Type::u64; }
constexpr bool is_float(Type type) { return type >= Type::f16 && type <= Type::f64; }

}  // namespace nibble::simulator
