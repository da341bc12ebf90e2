// Addresses of lanes in the host's memory: see access.h.
#include "access.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "lanes.h"

namespace nibble::simulator {

namespace {

std::string hex(std::uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

void compute_addresses(const Warp& warp, const Instruction& in, Access& access) {
    if (in.wide_address) {
        const std::uint64_t* a = warp.in<std::uint64_t>(in.a);
        for (unsigned lane = 0; lane < lanes; lane++) {
            access.at[lane] = a[lane] + in.immediate;
        }
    } else {
        const std::uint32_t* a = warp.in<std::uint32_t>(in.a);
        for (unsigned lane = 0; lane < lanes; lane++) {
            access.at[lane] = static_cast<std::uint32_t>(a[lane] + in.immediate);
        }
    }
}

Space space_of(std::uint64_t address) {
    return address - shared_window < window_bytes      ? Space::shared
           : address - local_window < window_bytes     ? Space::local
           : address - parameter_window < window_bytes ? Space::parameter
                                                       : Space::global;
}

std::uint64_t window_of(Space space) {
    return space == Space::shared ? shared_window : space == Space::local ? local_window : space == Space::parameter ? parameter_window : 0;
}

// Lanes by the space that their address is in; mostly all in one.
void locate_generic(Warp& warp, const Instruction& in, Access& access) {
    alignas(64) std::uint64_t found[lanes];
    std::memcpy(found, access.at, sizeof found);
    std::uint32_t left = access.mask;
    const bool single = [&] {
        const Space first = space_of(access.at[first_lane(left)]);
        return std::all_of(access.at, access.at + lanes, [&](std::uint64_t at) { return space_of(at) == first; });
    }();
    while (left != 0) {
        Access part = access;
        const Space space = space_of(access.at[first_lane(left)]);
        part.mask = 0;
        for (unsigned lane = 0; lane < lanes; lane++) {
            if ((left >> lane & 1) != 0 && space_of(access.at[lane]) == space) {
                part.mask |= 1U << lane;
            }
            part.at[lane] = access.at[lane] - window_of(space);
        }
        locate_in(warp, in, part, space);
        if (single) {
            access = part;
            return;
        }
        for (unsigned lane = 0; lane < lanes; lane++) {
            found[lane] = (part.mask >> lane & 1) != 0 ? part.at[lane] : found[lane];
        }
        left &= ~part.mask;
    }
    std::memcpy(access.at, found, sizeof found);
    const std::uint64_t any = access.at[first_lane(access.mask)];
    for (unsigned lane = 0; lane < lanes; lane++) {
        access.at[lane] = (access.mask >> lane & 1) != 0 ? access.at[lane] : any;
    }
    access.contiguous = false;
    access.uniform = false;
}

const AddressRange* find_range(const AddressMap& map, std::uint64_t address) {
    auto after = std::upper_bound(map.begin(), map.end(), address,
                                  [](std::uint64_t value, const AddressRange& range) { return value < range.begin; });
    return after != map.begin() && address < (after - 1)->end ? &*(after - 1) : nullptr;
}

[[noreturn]] void outside(const Warp& warp, const Instruction& in, const Access& access, unsigned lane) {
    const std::uint64_t address = access.at[lane];
    const std::optional<Allocation> near = warp.block->grid->memory.nearest(address);
    std::string where = "; the device has no allocation";
    if (near) {
        where = "; nearest is " + (near->kind == MemoryKind::global_variable ? "variable '" + near->label + "'"
                                   : near->kind == MemoryKind::pinned_host   ? std::string("pinned host memory")
                                                                             : "allocation " + std::to_string(near->serial)) +
                " of " + std::to_string(near->bytes) + " bytes at " + hex(near->address);
        where += address < near->address ? ", which begins " + std::to_string(near->address - address) + " bytes behind it"
                 : address < near->end()
                     ? ", which ends " + std::to_string(near->end() - address) + " bytes behind it"
                     : ", which ends " + std::to_string(address - near->end()) + " bytes before it";
    }
    fault(warp, in, lane, FaultKind::illegal_address, describe(access, "global", address) + " is outside of live memory" + where);
}

// Each lane for itself: they are in different allocations, or one is in none.
void locate_apart(Warp& warp, const Instruction& in, Access& access) {
    for (unsigned lane = 0; lane < lanes; lane++) {
        if ((access.mask >> lane & 1) == 0) {
            continue;
        }
        const std::uint64_t address = access.at[lane];
        const AddressRange* range = find_range(warp.block->grid->ranges, address);
        if (range == nullptr || range->end - address < access.bytes) {
            outside(warp, in, access, lane);
        }
        if (range->shadow == nullptr) {
            continue;
        }
        if (access.use == Use::read) {
            if (warp.block->grid->checks.unwritten && !all_written(range->shadow, range->begin, address, access.bytes)) {
                unwritten(warp, in, access, lane, "global", address, "");
            }
        } else {
            mark_written(range->shadow, range->begin, address, access.bytes, true);
        }
    }
}

// Bits of written bytes for all lanes, which lie in one range.
void use_shadow(Warp& warp, const Instruction& in, const Access& access, const AddressRange& range) {
    const bool check = access.use != Use::write;
    if (range.shadow == nullptr || (access.use == Use::read && !warp.block->grid->checks.unwritten)) {
        return;
    }
    const unsigned step = access.contiguous || access.uniform ? lanes : 1;
    const unsigned bytes = access.contiguous ? access.bytes * lanes : access.bytes;
    bool good = true;
    for (unsigned lane = 0; check && lane < lanes; lane += step) {
        good &= all_written(range.shadow, range.begin, access.at[lane], bytes);
    }
    for (unsigned lane = 0; !good && lane < lanes && warp.block->grid->checks.unwritten; lane++) {
        if ((access.mask >> lane & 1) != 0 && !all_written(range.shadow, range.begin, access.at[lane], access.bytes)) {
            unwritten(warp, in, access, lane, "global", access.at[lane], "");
        }
    }
    for (unsigned lane = 0; access.use == Use::write && lane < lanes; lane += step) {
        mark_written(range.shadow, range.begin, access.at[lane], bytes, true);
    }
}

}  // namespace

std::string describe(const Access& access, const char* space, std::uint64_t address) {
    const char* what = access.use == Use::read ? " load" : access.use == Use::write ? " store" : " atomic operation";
    return std::string(space) + what + " of " + std::to_string(access.bytes) + " bytes at " + hex(address);
}

void unwritten(const Warp& warp, const Instruction& in, const Access& access, unsigned lane, const char* space, std::uint64_t address,
               const std::string& where) {
    std::string message = describe(access, space, address) + " reads memory that nothing has written" + where;
    const std::optional<Allocation> in_allocation = warp.block->grid->memory.find(address);
    if (in_allocation) {
        message += ", " + std::to_string(address - in_allocation->address) + " bytes into " +
                   (in_allocation->label.empty() ? "allocation " + std::to_string(in_allocation->serial)
                                                 : "variable '" + in_allocation->label + "'") +
                   " of " + std::to_string(in_allocation->bytes) + " bytes";
    }
    fault(warp, in, lane, FaultKind::unwritten_read, message);
}

bool all_written(const std::uint8_t* shadow, std::uint64_t base, std::uint64_t address, unsigned bytes) {
    const std::uint64_t offset = address - base;
    const std::uint8_t* at = shadow + offset / 4;
    if (offset % 4 == 0 && bytes % 4 == 0) {
        std::uint64_t missing = 0;
        unsigned word = 0;
        for (; word + 8 <= bytes / 4; word += 8) {
            std::uint64_t eight;
            std::memcpy(&eight, at + word, 8);
            missing |= eight ^ 0x0f0f0f0f0f0f0f0fULL;
        }
        for (; word < bytes / 4; word++) {
            missing |= at[word] ^ 0x0fU;
        }
        return missing == 0;
    }
    for (std::uint64_t byte = offset; byte < offset + bytes; byte++) {
        if ((shadow[byte / 4] >> byte % 4 & 1) == 0) {
            return false;
        }
    }
    return true;
}

void mark_written(std::uint8_t* shadow, std::uint64_t base, std::uint64_t address, unsigned bytes, bool shared_by_threads) {
    const std::uint64_t offset = address - base;
    if (offset % 4 == 0 && bytes % 4 == 0) {
        std::memset(shadow + offset / 4, 0x0f, bytes / 4);
        return;
    }
    for (std::uint64_t byte = offset; byte < offset + bytes;) {
        const std::uint64_t end = std::min(offset + bytes, byte / 4 * 4 + 4);
        const auto bits = static_cast<std::uint8_t>(((1U << (end - byte)) - 1) << byte % 4);
        if (shared_by_threads) {
            __atomic_fetch_or(shadow + byte / 4, bits, __ATOMIC_RELAXED);
        } else {
            shadow[byte / 4] |= bits;
        }
        byte = end;
    }
}

void find_pattern(Access& access) {
    const std::uint64_t first = access.at[first_lane(access.mask)];
    if (access.mask != all_lanes) {
        for (unsigned lane = 0; lane < lanes; lane++) {
            access.at[lane] = (access.mask >> lane & 1) != 0 ? access.at[lane] : first;
        }
    }
    std::uint64_t spread = 0;
    std::uint64_t gaps = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        spread |= access.at[lane] ^ first;
        gaps |= access.at[lane] ^ (first + std::uint64_t{lane} * access.bytes);
    }
    access.uniform = spread == 0;
    access.contiguous = gaps == 0 && access.mask == all_lanes;
}

void check_alignment(const Warp& warp, const Instruction& in, const Access& access, const char* space) {
    std::uint64_t low = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        low |= access.at[lane];
    }
    if ((low & (access.bytes - 1)) == 0) {
        return;
    }
    for (unsigned lane = 0; lane < lanes; lane++) {
        if ((access.mask >> lane & 1) != 0 && access.at[lane] % access.bytes != 0) {
            fault(warp, in, lane, FaultKind::misaligned_address,
                  describe(access, space, access.at[lane]) + " is not aligned to " + std::to_string(access.bytes));
        }
    }
}

void locate_global(Warp& warp, const Instruction& in, Access& access) {
    find_pattern(access);
    std::uint64_t least = access.at[0];
    std::uint64_t most = access.at[access.contiguous ? lanes - 1 : 0];
    std::uint64_t low = least;
    if (!access.contiguous && !access.uniform) {
        for (unsigned lane = 0; lane < lanes; lane++) {
            least = std::min(least, access.at[lane]);
            most = std::max(most, access.at[lane]);
            low |= access.at[lane];
        }
    }
    AddressRange& recent = warp.block->recent[in.serial % warp.block->recent.size()];
    if (least < recent.begin || most > recent.end - access.bytes) {
        const AddressRange* found = find_range(warp.block->grid->ranges, least);
        if (found == nullptr || most > found->end - access.bytes) {
            locate_apart(warp, in, access);
            check_alignment(warp, in, access, "global");
            return;
        }
        recent = *found;
    }
    if ((low & (access.bytes - 1)) != 0) {
        check_alignment(warp, in, access, "global");
    }
    use_shadow(warp, in, access, recent);
}

void locate_local(Warp& warp, const Instruction& in, Access& access) {
    const std::uint32_t size = warp.block->grid->program.local_bytes;
    const std::uint32_t words = (size + 3) / 4;
    find_pattern(access);
    check_alignment(warp, in, access, "local");
    for (unsigned lane = 0; lane < lanes; lane++) {
        if ((access.mask >> lane & 1) == 0) {
            continue;
        }
        const std::uint64_t offset = access.at[lane];
        if (offset > size || size - offset < access.bytes) {
            fault(warp, in, lane, FaultKind::illegal_address,
                  describe(access, "local", offset) + " is outside of the " + std::to_string(size) + " bytes of the thread");
        }
        std::uint8_t* shadow = warp.local_written.data() + std::size_t{lane} * words;
        if (access.use == Use::write) {
            mark_written(shadow, 0, offset, access.bytes, false);
        } else if (warp.block->grid->checks.unwritten && !all_written(shadow, 0, offset, access.bytes)) {
            unwritten(warp, in, access, lane, "local", offset, "");
        }
    }
    const std::uint64_t base = reinterpret_cast<std::uint64_t>(warp.local);
    const unsigned first = first_lane(access.mask);
    for (unsigned lane = 0; lane < lanes; lane++) {
        const unsigned owner = (access.mask >> lane & 1) != 0 ? lane : first;
        access.at[lane] += base + std::uint64_t{owner} * size;
    }
    access.uniform = false;
    access.contiguous = false;
}

void locate_parameter(Warp& warp, const Instruction& in, Access& access) {
    const Function& function = *warp.block->grid->launch.function;
    find_pattern(access);
    check_alignment(warp, in, access, "parameter");
    for (unsigned lane = 0; lane < lanes; lane++) {
        const std::uint64_t offset = access.at[lane];
        if (access.use != Use::read || offset > function.parameter_bytes || function.parameter_bytes - offset < access.bytes) {
            fault(warp, in, lane, FaultKind::illegal_address, describe(access, "parameter", offset) + " is not possible, there are " +
                                                                  std::to_string(function.parameter_bytes) + " bytes to read");
        }
        access.at[lane] += reinterpret_cast<std::uint64_t>(warp.block->grid->launch.parameters);
    }
}

void locate_in(Warp& warp, const Instruction& in, Access& access, Space space) {
    switch (space) {
        case Space::global: return locate_global(warp, in, access);
        case Space::shared: return locate_shared(warp, in, access);
        case Space::local: return locate_local(warp, in, access);
        case Space::parameter: return locate_parameter(warp, in, access);
        case Space::generic: return locate_generic(warp, in, access);
    }
}

void locate(Warp& warp, const Instruction& in, Access& access) {
    compute_addresses(warp, in, access);
    locate_in(warp, in, access, in.space);
}

}  // namespace nibble::simulator
