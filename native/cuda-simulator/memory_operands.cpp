// Modifiers and addresses: see memory_operands.h.
#include "memory_operands.h"

#include <algorithm>
#include <bit>

namespace nibble::simulator {

MemoryModifiers take_memory_modifiers(Decoder& d) {
    MemoryModifiers result;
    // Constants lie in device memory.
    switch (d.take_one({"global", "const", "shared", "shared::cta", "local", "param", "param::entry", "param::func"})) {
        case 0:
        case 1: result.space = Space::global; break;
        case 2:
        case 3: result.space = Space::shared; break;
        case 4: result.space = Space::local; break;
        case 5:
        case 6:
        case 7: result.space = Space::parameter; break;
        default: break;
    }
    result.ordered = d.take_one({"volatile", "relaxed", "acquire", "release", "acq_rel", "mmio"}) >= 0;
    d.take("weak");
    d.take_one({"cta", "cluster", "gpu", "sys"});
    d.take_one({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
    d.take("nc");
    while (d.take_one({"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate",
                       "L2::cache_hint", "L2::64B", "L2::128B", "L2::256B", "L2::evict_first", "L2::evict_last",
                       "L2::evict_normal"}) >= 0) {
    }
    return result;
}

MemoryOperand take_memory_operand(Decoder& d, const Operand& operand, Space space) {
    if (operand.kind != OperandKind::address) {
        d.fail("an address is needed");
    }
    MemoryOperand result;
    result.space = space;
    result.offset = operand.value;
    const std::optional<Symbol> symbol = operand.name.empty() ? std::nullopt : d.symbol(operand.name);
    if (operand.name.empty() || symbol) {
        result.fixed = true;
        result.base = d.constant(0, 64);
    }
    if (symbol) {
        // Variables in .param space of called functions lie in local memory.
        const bool local_parameter = space == Space::parameter && symbol->space == Space::local;
        if (space != Space::generic && space != symbol->space && !local_parameter) {
            d.fail("'" + std::string(operand.name) + "' is in another address space");
        }
        result.space = symbol->space;
        result.offset += symbol->address;
    } else if (!operand.name.empty()) {
        Operand base = operand;
        base.kind = OperandKind::name;
        base.value = 0;
        unsigned bits = 0;
        result.base = d.wide_source(base, Type::b32, bits);
        result.wide = bits == 64;
    }
    return result;
}

void apply(Instruction& instruction, const MemoryOperand& operand) {
    instruction.a = operand.base;
    instruction.immediate = operand.offset;
    instruction.wide_address = operand.wide;
    instruction.space = operand.space;
}

void note_granule(Decoder& d, Space space, unsigned bytes) {
    if (space == Space::shared || space == Space::generic) {
        unsigned& granule = d.program().shared_granule;
        granule = std::min(granule, static_cast<unsigned>(std::countr_zero(bytes)));
    }
}

}  // namespace nibble::simulator
