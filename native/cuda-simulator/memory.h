// Memory of one simulated device: addresses, live allocations, and which bytes were ever written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nibble::simulator {

// What a device address may belong to.
enum class MemoryKind { allocation, global_variable, pinned_host };

// A live range of memory. `serial` counts the allocations of a device, so that messages can name one.
struct Allocation {
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
    std::uint64_t serial = 0;
    MemoryKind kind = MemoryKind::allocation;
    std::string label;  // the name of a global variable, otherwise empty

    std::uint64_t end() const { return address + bytes; }
};

// One range as kernels see it. `shadow` has one byte per four bytes of memory: bit i says that byte i was written. Null: always written.
struct AddressRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint8_t* shadow = nullptr;
};

// The ranges that a kernel may access, by address. A snapshot: it does not change while kernels run on it.
using AddressMap = std::vector<AddressRange>;

// A device's memory. Addresses are host addresses inside a range that is reserved once, so that a host pointer, another device's
// pointer and a stale pointer are told apart; pages outside live allocations cannot be touched even by the host. Thread-safe.
class DeviceMemory {
public:
    // Throws std::bad_alloc where the system refuses the reservation.
    DeviceMemory(int ordinal, std::uint64_t capacity);
    ~DeviceMemory();
    DeviceMemory(const DeviceMemory&) = delete;
    DeviceMemory& operator=(const DeviceMemory&) = delete;

    int ordinal() const { return ordinal_; }
    std::uint64_t capacity() const { return capacity_; }
    std::uint64_t used() const;

    // An address for so many bytes (at least one), aligned to 256; 0 where the device has not so much left.
    std::uint64_t allocate(std::uint64_t bytes, MemoryKind kind = MemoryKind::allocation, std::string label = {});
    // False where the address is not the start of a live allocation.
    bool free(std::uint64_t address);

    // Host memory that kernels may use at its own address; always seen as written.
    void map_host(std::uint64_t address, std::uint64_t bytes);
    bool unmap_host(std::uint64_t address);

    // Lets kernels of this device use all memory of another device, now and later; `peer` must live on.
    void allow_peer(DeviceMemory& peer);
    void forbid_peer(DeviceMemory& peer);

    // Is the address in the reserved range, live or not?
    bool reserves(std::uint64_t address) const { return address - base_ < reserved_; }
    // The live allocation or mapped host memory that holds the address.
    std::optional<Allocation> find(std::uint64_t address) const;
    // The live range that is nearest to the address, for messages.
    std::optional<Allocation> nearest(std::uint64_t address) const;
    // Live allocations by address (no host memory): what is left at the end is leaked.
    std::vector<Allocation> live() const;

    // Marks bytes of live allocations as written (copies and memsets by the driver), or as never written.
    void mark(std::uint64_t address, std::uint64_t bytes, bool written = true);
    // Copies which bytes were written along with a copy of their contents from `source_memory` (this one or a peer).
    void copy_marks(std::uint64_t target, const DeviceMemory& source_memory, std::uint64_t source, std::uint64_t bytes);

    // What kernels of this device may access now, peers and host memory included.
    std::shared_ptr<const AddressMap> addresses() const;

private:
    std::uint8_t* shadow_of(std::uint64_t address) const { return shadow_ + (address - base_) / 4; }
    std::uint64_t place(std::uint64_t span);
    void append_ranges(AddressMap& map) const;

    const int ordinal_;
    const std::uint64_t capacity_;
    std::uint64_t base_ = 0;      // first reserved address
    std::uint64_t reserved_ = 0;  // bytes reserved, more than the capacity
    std::uint8_t* shadow_ = nullptr;
    mutable std::mutex mutex_;
    std::uint64_t used_ = 0;
    std::uint64_t next_ = 0;  // where the next search for a free place begins
    std::uint64_t serial_ = 0;
    std::map<std::uint64_t, Allocation> live_;
    std::map<std::uint64_t, Allocation> host_;
    std::vector<DeviceMemory*> peers_;
};

}  // namespace nibble::simulator
