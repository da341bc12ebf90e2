// Modifiers and addresses of instructions that use memory.
#pragma once

#include "decoder.h"

namespace nibble::simulator {

struct MemoryModifiers {
    Space space = Space::generic;
    bool ordered = false;  // volatile, or with an order of the memory model
};

struct MemoryOperand {
    Space space = Space::generic;
    Slot base = no_slot;
    bool wide = true;   // a base of 64 bits
    bool fixed = false;  // no register: `offset` is the address
    std::uint64_t offset = 0;
};

// Takes the space, the order, the scope and hints for caches.
MemoryModifiers take_memory_modifiers(Decoder& decoder);
MemoryOperand take_memory_operand(Decoder& decoder, const Operand& operand, Space space);
void apply(Instruction& instruction, const MemoryOperand& operand);
// Races in shared memory are looked for in pieces as small as its smallest access.
void note_granule(Decoder& decoder, Space space, unsigned bytes);

}  // namespace nibble::simulator
