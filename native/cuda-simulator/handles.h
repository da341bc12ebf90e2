// Handles of objects: numbers that look like addresses and are never given twice, so that a stale or wrong one is noticed.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "status.h"

namespace nibble::simulator {

using Handle = std::uint64_t;

// All live objects of a type, which has a member `Handle handle`. Thread-safe.
template <class T>
class HandleTable {
public:
    // `kind` keeps the handles of different types apart.
    explicit HandleTable(unsigned kind) : next_((std::uint64_t{0x7d00 + kind} << 32) + 0x10) {}

    Handle add(const std::shared_ptr<T>& object) {
        const std::lock_guard lock(mutex_);
        object->handle = next_;
        next_ += 0x10;
        objects_.emplace(object->handle, object);
        return object->handle;
    }

    // Null where there is none.
    std::shared_ptr<T> find(Handle handle) const {
        const std::lock_guard lock(mutex_);
        const auto found = objects_.find(handle);
        return found == objects_.end() ? nullptr : found->second;
    }

    std::shared_ptr<T> get(Handle handle) const {
        auto object = find(handle);
        require(object != nullptr, invalid_handle);
        return object;
    }

    bool remove(Handle handle) {
        const std::lock_guard lock(mutex_);
        return objects_.erase(handle) != 0;
    }

    template <class Predicate>
    std::vector<std::shared_ptr<T>> select(Predicate&& predicate) const {
        const std::lock_guard lock(mutex_);
        std::vector<std::shared_ptr<T>> chosen;
        for (const auto& [handle, object] : objects_) {
            if (predicate(*object)) {
                chosen.push_back(object);
            }
        }
        return chosen;
    }

    std::uint64_t size() const {
        const std::lock_guard lock(mutex_);
        return objects_.size();
    }

private:
    mutable std::mutex mutex_;
    Handle next_;
    std::unordered_map<Handle, std::shared_ptr<T>> objects_;
};

}  // namespace nibble::simulator
