// Gives the registers of a program their places.
#pragma once

#include <cstdint>
#include <vector>

#include "program.h"

namespace nibble::simulator {

// Until then, a slot holds twice the register's number. `widths`: bits of each register; `pinned`: slots of registers that keep their
// values all the time; `functions`: where each function's code begins, in order. Registers of different functions never share a place.
void allocate_registers(Program& program, const std::vector<unsigned>& widths, const std::vector<Slot>& pinned,
                        const std::vector<std::uint32_t>& functions);

}  // namespace nibble::simulator
