// Places of registers.
#include "decoder.h"

namespace nibble::simulator {

void allocate_registers(Program& program, const std::vector<unsigned>& widths, const std::vector<Slot>&) {
    std::vector<Slot> places;
    std::uint32_t end = 0;
    for (const unsigned bits : widths) {
        const std::uint32_t bytes = bits == 1 ? 4 : lanes * bits / 8;
        if (bits != 1) {
            end = (end + 63) / 64 * 64;
        }
        places.push_back(static_cast<Slot>(end << 1));
        end += bytes;
    }
    program.register_bytes = (end + 63) / 64 * 64;
    auto move = [&](Slot& slot) {
        if (slot != no_slot && (slot & 1) == 0) {
            slot = places[slot >> 1];
        }
    };
    for (Instruction& in : program.code) {
        for (Slot* slot : {&in.guard, &in.d, &in.e, &in.a, &in.b, &in.c}) {
            move(*slot);
        }
    }
    for (Slot& slot : program.table) {
        move(slot);
    }
    for (auto& [special, slot] : program.specials) {
        move(slot);
    }
}

}  // namespace nibble::simulator
