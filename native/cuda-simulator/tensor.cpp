// Instructions of tensor cores: ldmatrix and mma. Fragments, of registers of 32 bits that hold several elements of a matrix, are laid
// out over the lanes as the PTX ISA says.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "access.h"
#include "halves.h"
#include "memory_operands.h"

namespace nibble::simulator {

namespace {

using W = std::uint32_t;

// Waits for all lanes of the warp; false while they are not all here.
bool gather_warp(Warp& warp, const Instruction& in, W mask) {
    const W here = gather(warp, in, mask, all_lanes);
    if (here != 0 && here != all_lanes) {
        fault(warp, in, first_lane(here), FaultKind::warp_sync,
              "all 32 lanes are needed, " + std::to_string(__builtin_popcount(here)) + " of them are left");
    }
    return here != 0;
}

// The registers of a fragment.
std::vector<Slot> take_fragment(Decoder& d, std::size_t index, std::size_t count, Type type, bool result) {
    const Operand& operand = d.operand(index);
    const std::vector<Operand> single{operand};
    const std::vector<Operand>& parts = operand.kind == OperandKind::elements ? operand.parts : single;
    if (parts.size() != count) {
        d.fail("a fragment of " + std::to_string(parts.size()) + " registers, not " + std::to_string(count));
    }
    std::vector<Slot> slots;
    for (const Operand& part : parts) {
        slots.push_back(result ? d.result(part, type) : d.source(part, type));
    }
    return slots;
}

// Results: matrices of 8 rows of 16 bytes, whose addresses lanes 0-7 have, of the next one lanes 8-15 and so on. A lane gets the elements
// 2 * (lane % 4) and the next of row lane / 4; flags: of the columns in place of the rows.
void run_load_matrix(Warp& warp, const Instruction& in, W mask) {
    if (!gather_warp(warp, in, mask)) {
        return;
    }
    Access access;
    access.mask = in.results == 4 ? all_lanes : (1U << 8 * in.results) - 1;
    access.bytes = 16;
    locate(warp, in, access);
    alignas(64) W values[4][lanes];
    for (unsigned matrix = 0; matrix < in.results; matrix++) {
        const std::uint64_t* rows = access.at + 8 * matrix;
        for (unsigned lane = 0; lane < lanes; lane++) {
            const unsigned line = lane / 4;
            const unsigned pair = lane % 4;
            if (in.flags == 0) {
                values[matrix][lane] = reinterpret_cast<const W*>(rows[line])[pair];
            } else {
                const W low = reinterpret_cast<const std::uint16_t*>(rows[2 * pair])[line];
                const W high = reinterpret_cast<const std::uint16_t*>(rows[2 * pair + 1])[line];
                values[matrix][lane] = low | high << 16;
            }
        }
    }
    const Slot* slots = &warp.block->grid->program.table[in.table];
    for (unsigned matrix = 0; matrix < in.results; matrix++) {
        std::memcpy(warp.out<W>(slots[matrix]), values[matrix], sizeof values[matrix]);
    }
}

void decode_load_matrix(Decoder& d) {
    d.expect_target(75);
    const bool known = d.take("sync") && d.take("aligned") && d.take("m8n8");
    const int count = d.take_one({"x1", "x2", "x4"});
    const bool columns = d.take("trans");
    if (!known || count < 0 || d.take_one({"shared", "shared::cta"}) < 0 || !d.take("b16")) {
        d.fail("the simulator knows ldmatrix.sync.aligned.m8n8.x1, .x2 and .x4 of .b16 in .shared only");
    }
    d.finish();
    d.expect_operands(2, 2);
    const std::vector<Slot> results = take_fragment(d, 0, std::size_t{1} << count, Type::b32, true);
    const MemoryOperand place = take_memory_operand(d, d.operand(1), Space::shared);
    Instruction& made = d.emit_control(run_load_matrix);
    apply(made, place);
    made.flags = columns ? 1 : 0;
    note_granule(d, Space::shared, 16);
    d.attach(results, {});
}

// Elements of matrices A and B, and what their products are summed in.
struct Signed {
    using Bits = std::int8_t;
    using Value = std::int32_t;
    static Value widen(Bits bits) { return bits; }
};
struct Unsigned {
    using Bits = std::uint8_t;
    using Value = std::int32_t;
    static Value widen(Bits bits) { return bits; }
};
struct Half {
    using Bits = std::uint16_t;
    using Value = float;
    static Value widen(Bits bits) { return widen_f16(bits); }
};
struct Bfloat {
    using Bits = std::uint16_t;
    using Value = float;
    static Value widen(Bits bits) { return widen_bf16(bits); }
};

constexpr unsigned rows = 16;
constexpr unsigned columns = 8;
constexpr unsigned most_depth = 32;
constexpr unsigned sums = 4;  // registers of C and D

template <class Element>
constexpr unsigned per_register = 4 / sizeof(typename Element::Bits);

// put(register, lane, element, value) for all elements of a fragment.
template <class Element>
void visit(const Warp& warp, const Slot* slots, unsigned count, auto put) {
    for (unsigned i = 0; i < count; i++) {
        const auto* bits = reinterpret_cast<const typename Element::Bits*>(warp.in<W>(slots[i]));
        for (unsigned lane = 0; lane < lanes; lane++) {
            for (unsigned element = 0; element < per_register<Element>; element++) {
                put(i, lane, element, Element::widen(bits[lane * per_register<Element> + element]));
            }
        }
    }
}

unsigned row_of_sum(unsigned lane, unsigned i) { return lane / 4 + 8 * (i / 2); }
unsigned column_of_sum(unsigned lane, unsigned i) { return lane % 4 * 2 + i % 2; }

// A row of D, in the order of the depth: each exact product is added, rounded to float each time.
void multiply(const float* a, const float (*b)[columns], unsigned depth, float* sum, bool) {
    for (unsigned k = 0; k < depth; k++) {
        for (unsigned column = 0; column < columns; column++) {
            sum[column] = std::fma(a[k], b[k][column], sum[column]);
        }
    }
}

// Wraps, or ends at the greatest and the least value.
void multiply(const std::int32_t* a, const std::int32_t (*b)[columns], unsigned depth, std::int32_t* sum, bool saturates) {
    std::int32_t products[columns] = {};
    for (unsigned k = 0; k < depth; k++) {
        for (unsigned column = 0; column < columns; column++) {
            products[column] += a[k] * b[k][column];
        }
    }
    constexpr std::int64_t least = std::numeric_limits<std::int32_t>::min();
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    for (unsigned column = 0; column < columns; column++) {
        const std::int64_t whole = std::int64_t{sum[column]} + products[column];
        sum[column] = static_cast<std::int32_t>(saturates ? std::min(std::max(whole, least), most) : whole);
    }
}

// D = A B + C: (16, 8) = (16, depth) (depth, 8) + (16, 8). The table: registers of D, A, B, C. flags: the depth. more_flags: saturates.
template <class A, class B>
void run_product(Warp& warp, const Instruction& in, W mask) {
    using Value = typename A::Value;
    if (!gather_warp(warp, in, mask)) {
        return;
    }
    const Slot* d = &warp.block->grid->program.table[in.table];
    const unsigned depth = in.flags;
    constexpr unsigned each = per_register<A>;
    const unsigned registers = depth / (2 * each);
    const Slot* c = d + sums + registers + registers / 2;
    alignas(64) Value a[rows][most_depth];
    alignas(64) Value b[most_depth][columns];
    alignas(64) Value sum[rows][columns];
    visit<A>(warp, d + sums, registers, [&](unsigned i, unsigned lane, unsigned element, Value value) {
        a[lane / 4 + 8 * (i % 2)][lane % 4 * each + element + 4 * each * (i / 2)] = value;
    });
    visit<B>(warp, d + sums + registers, registers / 2, [&](unsigned i, unsigned lane, unsigned element, Value value) {
        b[lane % 4 * each + element + 4 * each * i][lane / 4] = value;
    });
    for (unsigned i = 0; i < sums; i++) {
        for (unsigned lane = 0; lane < lanes; lane++) {
            sum[row_of_sum(lane, i)][column_of_sum(lane, i)] = warp.in<Value>(c[i])[lane];
        }
    }
    for (unsigned row = 0; row < rows; row++) {
        multiply(a[row], b, depth, sum[row], in.more_flags != 0);
    }
    for (unsigned i = 0; i < sums; i++) {
        for (unsigned lane = 0; lane < lanes; lane++) {
            warp.out<Value>(d[i])[lane] = sum[row_of_sum(lane, i)][column_of_sum(lane, i)];
        }
    }
}

Handler integer_product(Type a, Type b) {
    if ((a != Type::s8 && a != Type::u8) || (b != Type::s8 && b != Type::u8)) {
        return nullptr;
    }
    return a == Type::s8 ? (b == Type::s8 ? run_product<Signed, Signed> : run_product<Signed, Unsigned>)
                         : (b == Type::s8 ? run_product<Unsigned, Signed> : run_product<Unsigned, Unsigned>);
}

Handler float_product(Type a, Type b) {
    return a != b           ? nullptr
           : a == Type::f16  ? run_product<Half, Half>
           : a == Type::bf16 ? run_product<Bfloat, Bfloat>
                             : nullptr;
}

void decode_product(Decoder& d) {
    const bool known = d.take("sync") && d.take("aligned");
    const int shape = d.take_one({"m16n8k8", "m16n8k16", "m16n8k32"});
    const bool row_by_column = d.take("row") && d.take("col");
    const bool saturates = d.take("satfinite");
    std::array<Type, 4> types;  // of D, A, B, C
    for (Type& type : types) {
        type = d.take_type();
    }
    const bool integers = types[0] == Type::s32 && types[3] == Type::s32 && shape >= 1;
    const bool floats = types[0] == Type::f32 && types[3] == Type::f32 && (shape == 0 || shape == 1) && !saturates;
    const Handler handler = integers ? integer_product(types[1], types[2]) : floats ? float_product(types[1], types[2]) : nullptr;
    if (!known || !row_by_column || handler == nullptr) {
        d.fail("the simulator knows mma.sync.aligned of .m16n8k8 and .m16n8k16 (.f16, .bf16; sums in .f32), and .m16n8k16 and .m16n8k32 "
               "(.s8, .u8; sums in .s32), both .row.col, only");
    }
    d.finish();
    d.expect_target(shape == 0 && types[1] == Type::f16 ? 75 : 80);
    d.expect_operands(4, 4);
    const unsigned depth = 8U << shape;
    const unsigned registers = depth * bits_of(types[1]) / 64;
    const std::vector<Slot> results = take_fragment(d, 0, sums, types[0], true);
    std::vector<Slot> sources = take_fragment(d, 1, registers, Type::b32, false);
    for (const Slot slot : take_fragment(d, 2, registers / 2, Type::b32, false)) {
        sources.push_back(slot);
    }
    for (const Slot slot : take_fragment(d, 3, sums, types[3], false)) {
        sources.push_back(slot);
    }
    Instruction& made = d.emit_control(handler);
    made.flags = static_cast<std::uint8_t>(depth);
    made.more_flags = saturates ? 1 : 0;
    d.attach(results, sources);
}

}  // namespace

void add_tensor_opcodes(OpcodeTable& table) {
    table["ldmatrix"] = decode_load_matrix;
    table["mma"] = decode_product;
}

}  // namespace nibble::simulator
