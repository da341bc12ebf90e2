// All that the driver knows: settings, devices, and the live objects by their handles.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "context.h"
#include "fault_requests.h"
#include "graph.h"
#include "handles.h"
#include "loaded_module.h"
#include "settings.h"

namespace nibble::simulator {

struct Driver {
    std::mutex start_mutex;
    std::atomic<bool> started = false;
    Settings settings;
    std::string settings_error;  // what is wrong with them; empty if nothing
    std::vector<std::unique_ptr<Device>> devices;
    std::atomic<bool> peers_possible = true;
    Faults faults;

    HandleTable<Context> contexts{1};
    HandleTable<Stream> streams{2};
    HandleTable<Event> events{3};
    HandleTable<LoadedModule> modules{4};
    HandleTable<LoadedFunction> functions{5};
    HandleTable<Graph> graphs{6};
    HandleTable<GraphExecution> executions{7};
    HandleTable<GraphNode> nodes{8};

    std::mutex mutex;                               // guards what follows
    Counts leaked{};                                // of contexts that ended
    std::map<std::pair<int, int>, unsigned> peers;  // how many contexts let a device access another one
    std::string message;                            // what the last fault was
    int message_status = 0;
    std::deque<std::string> texts;                  // what cuGetErrorString gave: its callers keep the addresses

    Driver();
    // Makes the devices. Throws Failure.
    void start();

    Device& device(int ordinal);
    // The device whose memory holds a device address; null for others.
    Device* owner_of(std::uint64_t address);
    // The context that a live allocation belongs to; null for others.
    std::shared_ptr<Context> allocator_of(std::uint64_t address);
    void report(int status, const std::string& text);
};

// There is one, for as long as the process lives: threads of streams may use it to the end.
Driver& driver();

}  // namespace nibble::simulator
