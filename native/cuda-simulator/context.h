// Contexts: what a program owns on a device.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "device.h"
#include "stream.h"

namespace nibble::simulator {

struct Context : std::enable_shared_from_this<Context> {
    Context(Device& context_device, unsigned context_flags, bool is_primary)
        : device(context_device), flags(context_flags), primary(is_primary) {}

    Handle handle = 0;
    Device& device;
    std::atomic<unsigned> flags;
    const bool primary;
    std::atomic<bool> destroyed = false;

    // The error that every call in this context ends with, or 0: a kernel failed, or the device is lost.
    int status() const;
    // From now on the context is of no use; what is still in its streams is not done.
    void break_with(int status, const std::string& message);
    void require_usable() const;

    // The stream of a handle that means a default stream; throws for one that is another context's or nobody's.
    std::shared_ptr<Stream> stream(Handle handle);
    std::shared_ptr<Stream> create_stream(Stream::Kind kind);
    // Adds a task to a stream, after what the rules of default streams say that it waits for.
    Marker submit(Stream& stream, std::function<void()> work);
    std::vector<std::shared_ptr<Stream>> streams();
    // Waits for all streams.
    void synchronize();

    std::mutex mutex;                                    // guards what follows
    std::map<std::uint64_t, std::uint64_t> allocations;  // address, bytes
    std::map<std::uint64_t, std::uint64_t> host_allocations;
    std::map<std::uint64_t, unsigned> host_flags;
    std::set<Handle> peers;  // contexts whose memory kernels of this one may use

private:
    std::shared_ptr<Stream> default_stream(std::shared_ptr<Stream>& stream, Stream::Kind kind);

    std::atomic<int> error_ = 0;
    std::mutex submit_mutex_;  // guards what follows, and the order of tasks among streams
    std::vector<std::shared_ptr<Stream>> streams_;
    std::shared_ptr<Stream> legacy_;
    std::map<std::thread::id, std::shared_ptr<Stream>> per_thread_;
};

// What is alive, or was when its context ended.
namespace Count {
enum Kind : std::size_t {
    allocations,
    allocated_bytes,
    host_allocations,
    streams,
    events,
    modules,
    graphs,
    executions,
    contexts,
    kinds
};
}
using Counts = std::array<std::uint64_t, Count::kinds>;

// Objects that are alive now, of one context or of all (null).
Counts count_live(const Context* context);

// Ends a context: waits for its streams, counts what is left, and frees it.
void end_context(const std::shared_ptr<Context>& context);

// Frees pinned memory; false where it is not of this context.
bool free_host(Context& context, std::uint64_t address);
// Takes back the access of a context to a peer; false where there was none.
bool disable_peer(Context& context, Context& peer);

// The contexts of this thread, the current one last.
std::vector<std::shared_ptr<Context>>& context_stack();
// Throws where there is none, or it was destroyed.
std::shared_ptr<Context> current_context();

}  // namespace nibble::simulator
