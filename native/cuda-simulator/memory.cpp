// Memory of one simulated device: see memory.h.
#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace nibble::simulator {

namespace {

constexpr std::uint64_t page = 4096;

std::uint64_t round_up(std::uint64_t bytes, std::uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

// Pages of an allocation, and one more that stays closed behind it.
std::uint64_t span_of(std::uint64_t bytes) { return round_up(bytes, page) + page; }

void* reserve(std::uint64_t bytes, int protection) {
    void* start = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) {
        throw std::bad_alloc();
    }
    return start;
}

// Bits of the shadow byte of the word at `word` (a multiple of four) that stand for bytes in [begin, end).
std::uint8_t bits_within(std::uint64_t word, std::uint64_t begin, std::uint64_t end) {
    unsigned bits = 0;
    for (std::uint64_t i = 0; i < 4; i++) {
        bits |= (word + i >= begin && word + i < end ? 1U : 0U) << i;
    }
    return static_cast<std::uint8_t>(bits);
}

}  // namespace

DeviceMemory::DeviceMemory(int ordinal, std::uint64_t capacity) : ordinal_(ordinal), capacity_(capacity) {
    // Four times the capacity: freed addresses are not given out again soon, so that stale pointers are noticed.
    reserved_ = round_up(4 * capacity + 64 * page, page);
    base_ = reinterpret_cast<std::uint64_t>(reserve(reserved_, PROT_NONE));
    try {
        shadow_ = static_cast<std::uint8_t*>(reserve(reserved_ / 4, PROT_READ | PROT_WRITE));
    } catch (const std::bad_alloc&) {
        munmap(reinterpret_cast<void*>(base_), reserved_);
        throw;
    }
    next_ = base_;
}

DeviceMemory::~DeviceMemory() {
    munmap(reinterpret_cast<void*>(base_), reserved_);
    munmap(shadow_, reserved_ / 4);
}

std::uint64_t DeviceMemory::used() const {
    std::lock_guard lock(mutex_);
    return used_;
}

// The next free span from `next_` on, around the end once; 0 where none is free.
std::uint64_t DeviceMemory::place(std::uint64_t span) {
    for (std::uint64_t start : {next_, base_}) {
        auto after = live_.lower_bound(start);
        if (after != live_.begin()) {
            const Allocation& before = std::prev(after)->second;
            start = std::max(start, before.address + span_of(before.bytes));
        }
        while (after != live_.end() && after->first - start < span) {
            start = after->first + span_of(after->second.bytes);
            ++after;
        }
        if (base_ + reserved_ - start >= span) {
            return start;
        }
    }
    return 0;
}

std::uint64_t DeviceMemory::allocate(std::uint64_t bytes, MemoryKind kind, std::string label) {
    std::lock_guard lock(mutex_);
    if (bytes == 0 || bytes > capacity_ - used_) {
        return 0;
    }
    const std::uint64_t span = span_of(bytes);
    const std::uint64_t address = place(span);
    if (address == 0 || mprotect(reinterpret_cast<void*>(address), span - page, PROT_READ | PROT_WRITE) != 0) {
        return 0;
    }
    next_ = address + span;
    used_ += bytes;
    live_[address] = Allocation{address, bytes, ++serial_, kind, std::move(label)};
    return address;
}

bool DeviceMemory::free(std::uint64_t address) {
    std::lock_guard lock(mutex_);
    const auto found = live_.find(address);
    if (found == live_.end()) {
        return false;
    }
    const std::uint64_t bytes = found->second.bytes;
    live_.erase(found);
    used_ -= bytes;
    // Fresh, closed pages in place of the old ones; their shadow says again that nothing was written.
    mmap(reinterpret_cast<void*>(address), round_up(bytes, page), PROT_NONE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    std::uint8_t* shadow = shadow_of(address);
    if (bytes < 256 * page) {
        std::memset(shadow, 0, round_up(bytes, 4) / 4);
    } else {
        const auto first = round_up(reinterpret_cast<std::uint64_t>(shadow), page);
        const auto end = reinterpret_cast<std::uint64_t>(shadow + round_up(bytes, 4) / 4);
        const auto last = end / page * page;
        std::memset(shadow, 0, first - reinterpret_cast<std::uint64_t>(shadow));
        std::memset(reinterpret_cast<void*>(last), 0, end - last);
        madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    }
    return true;
}

void DeviceMemory::map_host(std::uint64_t address, std::uint64_t bytes) {
    std::lock_guard lock(mutex_);
    host_[address] = Allocation{address, bytes, 0, MemoryKind::pinned_host, {}};
}

bool DeviceMemory::unmap_host(std::uint64_t address) {
    std::lock_guard lock(mutex_);
    return host_.erase(address) != 0;
}

void DeviceMemory::allow_peer(DeviceMemory& peer) {
    std::lock_guard lock(mutex_);
    if (std::find(peers_.begin(), peers_.end(), &peer) == peers_.end()) {
        peers_.push_back(&peer);
    }
}

void DeviceMemory::forbid_peer(DeviceMemory& peer) {
    std::lock_guard lock(mutex_);
    std::erase(peers_, &peer);
}

std::optional<Allocation> DeviceMemory::find(std::uint64_t address) const {
    std::optional<Allocation> near = nearest(address);
    return near && address - near->address < near->bytes ? near : std::nullopt;
}

std::optional<Allocation> DeviceMemory::nearest(std::uint64_t address) const {
    std::lock_guard lock(mutex_);
    std::optional<Allocation> best;
    std::uint64_t best_distance = UINT64_MAX;
    auto consider = [&](const Allocation& candidate) {
        std::uint64_t distance = 0;
        if (address < candidate.address) {
            distance = candidate.address - address;
        } else if (address >= candidate.end()) {
            distance = address - candidate.end() + 1;
        }
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    };
    for (const auto* table : {&live_, &host_}) {
        const auto after = table->upper_bound(address);
        if (after != table->end()) {
            consider(after->second);
        }
        if (after != table->begin()) {
            consider(std::prev(after)->second);
        }
    }
    return best;
}

std::vector<Allocation> DeviceMemory::live() const {
    std::lock_guard lock(mutex_);
    std::vector<Allocation> result;
    for (const auto& [address, allocation] : live_) {
        result.push_back(allocation);
    }
    return result;
}

void DeviceMemory::mark(std::uint64_t address, std::uint64_t bytes, bool written) {
    const std::uint64_t end = address + bytes;
    const std::uint64_t first_whole = std::min(round_up(address, 4), end);
    const std::uint64_t last_whole = std::max(first_whole, end / 4 * 4);
    auto edge = [&](std::uint64_t begin, std::uint64_t limit) {
        if (begin < limit) {
            const std::uint64_t word = begin / 4 * 4;
            const std::uint8_t bits = bits_within(word, begin, limit);
            std::uint8_t& shadow = *shadow_of(word);
            shadow = static_cast<std::uint8_t>(written ? shadow | bits : shadow & ~bits);
        }
    };
    edge(address, first_whole);
    if (last_whole > first_whole) {
        std::memset(shadow_of(first_whole), written ? 0x0f : 0, (last_whole - first_whole) / 4);
    }
    edge(last_whole, end);
}

void DeviceMemory::copy_marks(
    std::uint64_t target, const DeviceMemory& source_memory, std::uint64_t source, std::uint64_t bytes) {
    if (target % 4 == 0 && source % 4 == 0) {
        const std::uint64_t whole = bytes / 4 * 4;
        std::memmove(shadow_of(target), source_memory.shadow_of(source), whole / 4);
        target += whole;
        source += whole;
        bytes -= whole;
    }
    for (std::uint64_t i = 0; i < bytes; i++) {
        mark(target + i, 1, (*source_memory.shadow_of(source + i) >> (source + i) % 4 & 1) != 0);
    }
}

void DeviceMemory::append_ranges(AddressMap& map) const {
    std::lock_guard lock(mutex_);
    for (const auto& [address, allocation] : live_) {
        map.push_back({address, allocation.end(), shadow_of(address)});
    }
}

std::shared_ptr<const AddressMap> DeviceMemory::addresses() const {
    auto map = std::make_shared<AddressMap>();
    append_ranges(*map);
    std::vector<DeviceMemory*> peers;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [address, host] : host_) {
            map->push_back({address, host.end(), nullptr});
        }
        peers = peers_;
    }
    for (const DeviceMemory* peer : peers) {
        peer->append_ranges(*map);
    }
    std::sort(map->begin(), map->end(), [](const AddressRange& a, const AddressRange& b) { return a.begin < b.begin; });
    return map;
}

}  // namespace nibble::simulator
