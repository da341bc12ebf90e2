#include "context.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "driver.h"

namespace nibble::simulator {
namespace {

constexpr Handle legacy_handle = 1;
constexpr Handle per_thread_handle = 2;

template <class Table>
std::uint64_t drop(Table& table, const Context& context) {
    const auto left = table.select([&](const auto& object) { return object.context.lock().get() == &context; });
    for (const auto& object : left) {
        table.remove(object->handle);
    }
    return left.size();
}

void drop_streams(const Context& context) {
    for (const auto& stream :
         driver().streams.select([&](const Stream& each) { return each.context.lock().get() == &context; })) {
        stream->close();
    }
}

void drop_peers(const std::shared_ptr<Context>& context) {
    for (const auto& other : driver().contexts.select([](const Context&) { return true; })) {
        disable_peer(*other, *context);
        disable_peer(*context, *other);
    }
}

void free_memory(Context& context) {
    std::map<std::uint64_t, std::uint64_t> hosts;
    {
        const std::lock_guard lock(context.mutex);
        for (const auto& [address, bytes] : context.allocations) {
            context.device.memory.free(address);
        }
        context.allocations.clear();
        hosts = context.host_allocations;
    }
    for (const auto& [address, bytes] : hosts) {
        free_host(context, address);
    }
}

}  // namespace

int Context::status() const {
    const int lost = device.lost;
    return lost != 0 ? lost : error_.load();
}

void Context::break_with(int status, const std::string& message) {
    int none = 0;
    if (error_.compare_exchange_strong(none, status)) {
        driver().report(status, message);
    }
}

void Context::require_usable() const {
    require(!destroyed, context_is_destroyed);
    require(status() == success, status());
}

std::shared_ptr<Stream> Context::default_stream(std::shared_ptr<Stream>& stream, Stream::Kind kind) {
    if (stream == nullptr) {
        stream = std::make_shared<Stream>(weak_from_this(), kind);
        streams_.push_back(stream);
    }
    return stream;
}

std::shared_ptr<Stream> Context::stream(Handle stream_handle) {
    if (stream_handle <= per_thread_handle) {
        const std::lock_guard lock(submit_mutex_);
        return stream_handle <= legacy_handle
                   ? default_stream(legacy_, Stream::Kind::legacy)
                   : default_stream(per_thread_[std::this_thread::get_id()], Stream::Kind::blocking);
    }
    return driver().streams.get(stream_handle);
}

std::shared_ptr<Stream> Context::create_stream(Stream::Kind kind) {
    const auto stream = std::make_shared<Stream>(weak_from_this(), kind);
    const std::lock_guard lock(submit_mutex_);
    std::erase_if(streams_, [](const auto& each) { return each.use_count() == 1 && each->idle(); });
    streams_.push_back(stream);
    return stream;
}

Marker Context::submit(Stream& target, std::function<void()> work) {
    const std::lock_guard lock(submit_mutex_);
    std::vector<Marker> after;
    if (target.kind == Stream::Kind::legacy) {
        for (const auto& other : streams_) {
            if (other->kind == Stream::Kind::blocking && !other->idle()) {
                after.push_back(other->tail());
            }
        }
    } else if (target.kind == Stream::Kind::blocking && legacy_ != nullptr && !legacy_->idle()) {
        after.push_back(legacy_->tail());
    }
    return target.enqueue(std::move(after), std::move(work));
}

std::vector<std::shared_ptr<Stream>> Context::streams() {
    const std::lock_guard lock(submit_mutex_);
    return streams_;
}

void Context::synchronize() {
    for (const auto& each : streams()) {
        each->tail().wait();
    }
}

Counts count_live(const Context* context) {
    Counts count{};
    for (const auto& each : driver().contexts.select([&](const Context& c) { return context == nullptr || &c == context; })) {
        const std::lock_guard lock(each->mutex);
        count[Count::contexts]++;
        count[Count::allocations] += each->allocations.size();
        count[Count::host_allocations] += each->host_allocations.size();
        for (const auto& [address, bytes] : each->allocations) {
            count[Count::allocated_bytes] += bytes;
        }
    }
    const auto size = [&](const auto& table) {
        return table.select([&](const auto& object) { return context == nullptr || object.context.lock().get() == context; })
            .size();
    };
    count[Count::streams] = size(driver().streams);
    count[Count::events] = size(driver().events);
    count[Count::modules] = size(driver().modules);
    count[Count::graphs] = size(driver().graphs);
    count[Count::executions] = size(driver().executions);
    return count;
}

void end_context(const std::shared_ptr<Context>& context) {
    if (context->destroyed.exchange(true)) {
        return;
    }
    context->synchronize();
    drop_peers(context);
    const Counts left = count_live(context.get());
    drop_streams(*context);
    drop(driver().streams, *context);
    drop(driver().events, *context);
    drop(driver().executions, *context);
    drop(driver().graphs, *context);
    drop(driver().nodes, *context);
    drop(driver().functions, *context);
    drop(driver().modules, *context);
    free_memory(*context);
    for (const auto& each : context->streams()) {
        each->close();
    }
    driver().contexts.remove(context->handle);
    const std::lock_guard lock(driver().mutex);
    for (std::size_t i = 0; i < left.size(); i++) {
        driver().leaked[i] += i == Count::contexts ? 0 : left[i];
    }
}

bool free_host(Context& context, std::uint64_t address) {
    {
        const std::lock_guard lock(context.mutex);
        if (context.host_allocations.erase(address) == 0) {
            return false;
        }
        context.host_flags.erase(address);
    }
    for (const auto& device : driver().devices) {
        device->memory.unmap_host(address);
    }
    std::free(reinterpret_cast<void*>(address));
    return true;
}

bool disable_peer(Context& context, Context& peer) {
    {
        const std::lock_guard lock(context.mutex);
        if (context.peers.erase(peer.handle) == 0) {
            return false;
        }
    }
    const std::lock_guard lock(driver().mutex);
    if (--driver().peers[{context.device.ordinal, peer.device.ordinal}] == 0) {
        context.device.memory.forbid_peer(peer.device.memory);
    }
    return true;
}

std::vector<std::shared_ptr<Context>>& context_stack() {
    thread_local std::vector<std::shared_ptr<Context>> stack;
    return stack;
}

std::shared_ptr<Context> current_context() {
    const auto& stack = context_stack();
    require(!stack.empty() && stack.back() != nullptr, invalid_context);
    require(!stack.back()->destroyed, context_is_destroyed);
    return stack.back();
}

}  // namespace nibble::simulator
